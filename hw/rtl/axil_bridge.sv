// AXI4-Lite bridge around an accelerator with one stream in and one stream out: the host writes the words of an
// observation, reads WAIT, and reads the words of the action. One clock; for batch 1 this is cheaper than a DMA.
//
//   write OBSERVATION[0..n-1]  --last word, with CTRL.auto-->  start  ->  beats of IN_W bits  ->  accelerator
//   read WAIT (held until done or TIMEOUT cycles), read ACTION[0..m-1]  <-  beats of OUT_W bits  <-
//
// Sizes:     an observation has OBS_BYTES = IN_W/8 * beats, little endian, an action ACT_BYTES = OUT_W/8 * beats.
// Latency:   the LATENCY registers count the clock edges from the one that takes the last observation word (or the
//            start bit) to the one that takes the last action beat.
// Handshake: valid stays up, with stable data, until ready. The observation is copied at the start, so that the
//            host may already write the next one. A start while busy is refused and sets STATUS.overrun.
//            ACTION is whole while STATUS.done is set; it changes beat by beat before that.
// Reset:     CTRL.soft_reset clears the flags and statistics and holds `accel_rst_n` low for RESET_CYCLES, so that
//            an accelerator stuck in mid-frame starts afresh. A start during that time waits for its end.
//            It goes through a register: no combinational reset fans out from the bus.
// The register map is documented in host/registers.py.
module axil_bridge #(
	int unsigned  OBS_BYTES,
	int unsigned  IN_W,
	int unsigned  ACT_BYTES,
	int unsigned  OUT_W,
	int unsigned  AW = 12,       // address width: OBSERVATION must fit into the window, 0x400 + OBS_BYTES <= 2**AW

	localparam int unsigned  RESET_CYCLES = 16
)(
	input	logic  ap_clk,
	input	logic  ap_rst_n,

	input	logic [31:0]  build_id,    // constant, for the BUILD_ID register

	// AXI4-Lite
	input	logic [AW-1:0]  s_axi_ctrl_awaddr,
	input	logic  s_axi_ctrl_awvalid,
	output	logic  s_axi_ctrl_awready,
	input	logic [31:0]  s_axi_ctrl_wdata,
	input	logic [ 3:0]  s_axi_ctrl_wstrb,
	input	logic  s_axi_ctrl_wvalid,
	output	logic  s_axi_ctrl_wready,
	output	logic [ 1:0]  s_axi_ctrl_bresp,
	output	logic  s_axi_ctrl_bvalid,
	input	logic  s_axi_ctrl_bready,
	input	logic [AW-1:0]  s_axi_ctrl_araddr,
	input	logic  s_axi_ctrl_arvalid,
	output	logic  s_axi_ctrl_arready,
	output	logic [31:0]  s_axi_ctrl_rdata,
	output	logic [ 1:0]  s_axi_ctrl_rresp,
	output	logic  s_axi_ctrl_rvalid,
	input	logic  s_axi_ctrl_rready,

	// Accelerator
	output	logic  accel_rst_n,
	output	logic [IN_W-1:0]  obs_tdata,
	output	logic  obs_tvalid,
	input	logic  obs_tready,
	input	logic [OUT_W-1:0]  act_tdata,
	input	logic  act_tvalid,
	output	logic  act_tready
);
	localparam logic [31:0]  ID      = 32'h5152_4C31;    // "QRL1"
	localparam logic [31:0]  VERSION = 32'h0001_0000;
	localparam logic [31:0]  DEFAULT_TIMEOUT = 100_000;  // cycles, 1 ms at 100 MHz

	// Byte offsets, as in host/registers.py
	localparam int unsigned  A_ID = 'h00, A_VERSION = 'h04, A_CTRL = 'h08, A_STATUS = 'h0C, A_GEOMETRY = 'h10;
	localparam int unsigned  A_LATENCY_LAST = 'h14, A_CYCLES_LO = 'h18, A_CYCLES_HI = 'h1C;
	localparam int unsigned  A_LATENCY_MIN = 'h20, A_LATENCY_MAX = 'h24, A_LATENCY_SUM_LO = 'h28;
	localparam int unsigned  A_LATENCY_SUM_HI = 'h2C, A_COUNT = 'h30, A_STALL = 'h34, A_WAIT = 'h38;
	localparam int unsigned  A_TIMEOUT = 'h3C, A_BUILD_ID = 'h40, A_ACTION = 'h100, A_OBSERVATION = 'h400;

	localparam int unsigned  OBS_WORDS = (OBS_BYTES + 3) / 4;
	localparam int unsigned  ACT_WORDS = (ACT_BYTES + 3) / 4;
	localparam int unsigned  IN_BEATS  = OBS_BYTES * 8 / IN_W;
	localparam int unsigned  OUT_BEATS = ACT_BYTES * 8 / OUT_W;

	//-----------------------------------------------------------------------
	// Bus
	logic  wr, rd, rd_ack;
	logic [AW-1:2]  wr_addr, rd_addr;
	logic [31:0]  wr_data, rd_data;
	logic [ 3:0]  wr_strb;
	axil_port #(.AW(AW)) port_i (
		.clk(ap_clk), .rst_n(ap_rst_n),
		.awaddr(s_axi_ctrl_awaddr), .awvalid(s_axi_ctrl_awvalid), .awready(s_axi_ctrl_awready),
		.wdata(s_axi_ctrl_wdata), .wstrb(s_axi_ctrl_wstrb), .wvalid(s_axi_ctrl_wvalid), .wready(s_axi_ctrl_wready),
		.bvalid(s_axi_ctrl_bvalid), .bready(s_axi_ctrl_bready),
		.araddr(s_axi_ctrl_araddr), .arvalid(s_axi_ctrl_arvalid), .arready(s_axi_ctrl_arready),
		.rdata(s_axi_ctrl_rdata), .rvalid(s_axi_ctrl_rvalid), .rready(s_axi_ctrl_rready),
		.wr, .wr_addr, .wr_data, .wr_strb, .rd, .rd_addr, .rd_ack, .rd_data
	);
	assign	s_axi_ctrl_bresp = 0;
	assign	s_axi_ctrl_rresp = 0;

	//-----------------------------------------------------------------------
	// Commands. A control register is written by its low byte lane alone, TIMEOUT as a whole word.
	localparam int unsigned  WA = AW - 2;
	function automatic logic [WA-1:0] word(input int unsigned  offset);
		return  WA'(offset / 4);
	endfunction : word

	logic  wr_ctrl, start;
	assign	wr_ctrl = wr && (wr_addr == word(A_CTRL)) && wr_strb[0];

	logic [OBS_WORDS-1:0]  wr_obs;    // one-hot: which observation word is written
	for(genvar  i = 0; i < OBS_WORDS; i++) begin : genObsSelect
		assign	wr_obs[i] = wr && (wr_addr == word(A_OBSERVATION + 4*i));
	end : genObsSelect

	logic  AutoStart;
	assign	start = (wr_ctrl && wr_data[0] && !wr_data[1]) || (wr_obs[OBS_WORDS-1] && AutoStart);

	logic [31:0]  Timeout;
	always_ff @(posedge ap_clk) begin
		if(!ap_rst_n) begin
			AutoStart <= 0;
			Timeout   <= DEFAULT_TIMEOUT;
		end
		else begin
			if(wr_ctrl)                              AutoStart <= wr_data[2];
			if(wr && (wr_addr == word(A_TIMEOUT)))   Timeout   <= wr_data;
		end
	end

	logic [OBS_WORDS-1:0][3:0][7:0]  Obs;
	always_ff @(posedge ap_clk) begin
		foreach(Obs[i, b])  if(wr_obs[i] && wr_strb[b])  Obs[i][b] <= wr_data[8*b +: 8];
	end

	//-----------------------------------------------------------------------
	// Resets: Clear is one cycle long, for our own state; the accelerator's lasts longer.
	logic  Clear;
	logic [$clog2(RESET_CYCLES)-1:0]  ResetCount;
	always_ff @(posedge ap_clk) begin
		Clear <= !ap_rst_n || (wr_ctrl && wr_data[1]);
		if(Clear)                   ResetCount <= '1;
		else if(ResetCount != 0)    ResetCount <= ResetCount - 1;
		accel_rst_n <= !Clear && (ResetCount == 0);
	end

	//-----------------------------------------------------------------------
	// One inference: Pending -> Busy (Sending, then waiting for the last beat) -> Done
	logic  Pending, Busy, Done, Overrun, Sending;
	logic [$clog2(IN_BEATS+1)-1:0]  InCount;      // beats still to send, minus one
	logic [$clog2(OUT_BEATS+1)-1:0]  OutCount;    // beats still to take, minus one
	logic [IN_BEATS*IN_W-1:0]  Send;
	logic [OUT_BEATS*OUT_W-1:0]  Act;
	logic [31:0]  Latency;                        // edges since the start was on the bus

	logic  launch, out_fire, out_last;
	assign	launch   = Pending && accel_rst_n && !Busy;
	assign	out_fire = act_tvalid && act_tready;
	assign	out_last = out_fire && (OutCount == 0);

	assign	obs_tvalid = Sending;
	assign	obs_tdata  = Send[IN_W-1:0];
	assign	act_tready = Busy;

	always_ff @(posedge ap_clk) begin
		if(Clear) begin
			Pending <= 0;
			Busy    <= 0;
			Done    <= 0;
			Overrun <= 0;
			Sending <= 0;
		end
		else begin
			Pending <= Pending? !launch : start && !Busy;
			if(start && (Busy || Pending))  Overrun <= 1;
			if(launch) begin
				Busy    <= 1;
				Done    <= 0;
				Sending <= 1;
			end
			if(obs_tvalid && obs_tready && (InCount == 0))  Sending <= 0;
			if(out_last) begin
				Busy <= 0;
				Done <= 1;
			end
		end
	end

	always_ff @(posedge ap_clk) begin
		Latency <= start && !Busy && !Pending? 1 : Latency + 1;
		if(launch) begin
			Send     <= (8*OBS_BYTES)'(Obs);
			InCount  <= ($bits(InCount))'(IN_BEATS - 1);
			OutCount <= ($bits(OutCount))'(OUT_BEATS - 1);
		end
		else begin
			if(obs_tvalid && obs_tready) begin
				Send    <= (8*OBS_BYTES)'({ IN_W'(0), Send } >> IN_W);
				InCount <= InCount - 1;
			end
			if(out_fire)  OutCount <= OutCount - 1;
		end
		// The first beat ends up lowest
		if(out_fire)  Act <= (OUT_BEATS*OUT_W)'({ act_tdata, Act } >> OUT_W);
	end

	//-----------------------------------------------------------------------
	// Statistics
	logic [15:0]  Sequence;
	logic [31:0]  LatencyLast, LatencyMin, LatencyMax, Count, Stall;
	logic [63:0]  LatencySum;
	logic [31:0]  latency_now;
	assign	latency_now = Latency + 1;
	always_ff @(posedge ap_clk) begin
		if(Clear) begin
			Sequence    <= 0;
			LatencyLast <= 0;
			LatencyMin  <= '1;
			LatencyMax  <= 0;
			LatencySum  <= 0;
			Count       <= 0;
			Stall       <= 0;
		end
		else begin
			if(obs_tvalid && !obs_tready)  Stall <= Stall + 1;
			if(out_last) begin
				Sequence    <= Sequence + 1;
				Count       <= Count + 1;
				LatencyLast <= latency_now;
				LatencySum  <= LatencySum + 64'(latency_now);
				if(latency_now < LatencyMin)  LatencyMin <= latency_now;
				if(latency_now > LatencyMax)  LatencyMax <= latency_now;
			end
		end
	end

	logic [63:0]  Cycles;
	always_ff @(posedge ap_clk)  Cycles <= ap_rst_n? Cycles + 1 : 0;

	//-----------------------------------------------------------------------
	// Reads. Only WAIT is ever held back.
	logic  TimedOut, waiting, expired;
	logic [31:0]  Remaining;    // cycles until the read in progress times out
	logic [31:0]  CyclesHi;     // latched by a read of CYCLES_LO
	assign	waiting = (rd_addr == word(A_WAIT)) && (start || Pending || Busy);
	assign	expired = Remaining == 0;
	assign	rd_ack  = rd && (!waiting || expired);
	always_ff @(posedge ap_clk) begin
		Remaining <= !rd? Timeout : Remaining - 1;
		if(rd && (rd_addr == word(A_CYCLES_LO)))  CyclesHi <= Cycles[63:32];
		if(Clear || launch)             TimedOut <= 0;
		else if(rd && waiting && expired)  TimedOut <= 1;
	end

	logic [31:0]  status;
	assign	status = { Sequence, 11'b0, AutoStart, TimedOut, Overrun, Done, Busy || Pending };

	logic [OBS_WORDS-1:0][31:0]  obs_words;
	logic [ACT_WORDS-1:0][31:0]  act_words;
	assign	obs_words = Obs;
	assign	act_words = (32*ACT_WORDS)'(Act);

	always_comb begin
		rd_data = 0;
		unique case(rd_addr)
		word(A_ID):              rd_data = ID;
		word(A_VERSION):         rd_data = VERSION;
		word(A_STATUS):          rd_data = status;
		word(A_WAIT):            rd_data = status | (waiting? 32'h8 : 0);
		word(A_GEOMETRY):        rd_data = { 16'(ACT_BYTES), 16'(OBS_BYTES) };
		word(A_LATENCY_LAST):    rd_data = LatencyLast;
		word(A_CYCLES_LO):       rd_data = Cycles[31:0];
		word(A_CYCLES_HI):       rd_data = CyclesHi;
		word(A_LATENCY_MIN):     rd_data = LatencyMin;
		word(A_LATENCY_MAX):     rd_data = LatencyMax;
		word(A_LATENCY_SUM_LO):  rd_data = LatencySum[31:0];
		word(A_LATENCY_SUM_HI):  rd_data = LatencySum[63:32];
		word(A_COUNT):           rd_data = Count;
		word(A_STALL):           rd_data = Stall;
		word(A_TIMEOUT):         rd_data = Timeout;
		word(A_BUILD_ID):        rd_data = build_id;
		default: begin
			for(int unsigned  i = 0; i < ACT_WORDS; i++) begin
				if(rd_addr == word(A_ACTION + 4*i))       rd_data = act_words[i];
			end
			for(int unsigned  i = 0; i < OBS_WORDS; i++) begin
				if(rd_addr == word(A_OBSERVATION + 4*i))  rd_data = obs_words[i];
			end
		end
		endcase
	end

endmodule : axil_bridge
