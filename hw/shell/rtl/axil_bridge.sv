// AXI4-Lite bridge around an accelerator with one stream in and one stream out: the host writes the words of an
// observation, reads WAIT, and reads the words of the action. One clock; for batch 1 this is cheaper than a DMA.
//
//   write OBSERVATION[0..n-1]  --last byte, with AUTO_START-->  start  ->  beats of IN_W bits  ->  accelerator
//   read WAIT (held until done or TIMEOUT cycles), read ACTION[0..m-1]  <-  beats of OUT_W bits  <-
//
// Sizes:     an observation has OBS_BYTES = IN_W/8 * beats, little endian, an action ACT_BYTES = OUT_W/8 * beats.
// Latency:   the LATENCY registers count the clock edges from the one that takes the last observation byte (or the
//            start bit) to the one that takes the last action beat.
// Handshake: valid stays up, with stable data, until ready. The observation is copied at the start, also at one
//            that waits, so that the host may already write the next one. A start while busy is refused and sets
//            OVERRUN.
//            ACTION is whole while DONE is set; it changes beat by beat before that.
// Bus:       byte strobes are honoured; what is not written by any strobe has no effect. Every access is answered
//            OKAY, also one to an address without a register. Only a read of WAIT is ever held back.
// Reset:     SOFT_RESET clears the flags and statistics and holds `accel_rst_n` low for RESET_CYCLES, so that
//            an accelerator stuck in mid-frame starts afresh. A start during that time waits for its end.
//            It goes through a register: no combinational reset fans out from the bus.
// The register map is in docs/registers.md.
module axil_bridge import quarl_registers_pkg::*; #(
	int unsigned  OBS_BYTES,
	int unsigned  IN_W,
	int unsigned  ACT_BYTES,
	int unsigned  OUT_W,
	int unsigned  AW = 12    // address width: the whole OBSERVATION must have addresses
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
	localparam int unsigned  OBS_WORDS = (OBS_BYTES + 3) / 4;
	localparam int unsigned  ACT_WORDS = (ACT_BYTES + 3) / 4;
	localparam int unsigned  IN_BEATS  = OBS_BYTES * 8 / IN_W;
	localparam int unsigned  OUT_BEATS = ACT_BYTES * 8 / OUT_W;
	if(IN_BEATS == 0 || IN_BEATS * IN_W != OBS_BYTES * 8 || OBS_BYTES > 'hFFFF || OBSERVATION + OBS_BYTES > 2**AW)
	begin : genBadObservation
		$error("an observation must be whole beats and fit into its window");
	end : genBadObservation
	if(OUT_BEATS == 0 || OUT_BEATS * OUT_W != ACT_BYTES * 8 || ACTION + ACT_BYTES > OBSERVATION)
	begin : genBadAction
		$error("an action must be whole beats and fit into its window");
	end : genBadAction

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
	// Writes. Bytes of the last word beyond the observation do not exist.
	localparam int unsigned  WA = AW - 2;
	function automatic logic [WA-1:0] word(input int unsigned  offset);
		return  WA'(offset / 4);
	endfunction : word

	logic  wr_ctrl, wr_timeout;
	assign	wr_ctrl    = wr && (wr_addr == word(CTRL)) && wr_strb[0];
	assign	wr_timeout = wr && (wr_addr == word(TIMEOUT));

	logic [OBS_WORDS*4-1:0]  wr_obs;    // which bytes of the observation are written
	for(genvar  i = 0; i < OBS_WORDS; i++) begin : genObsSelect
		assign	wr_obs[4*i +: 4] = wr && (wr_addr == word(OBSERVATION + 4*i))? wr_strb : 0;
	end : genObsSelect

	logic  AutoStart;
	logic [31:0]  Timeout;
	always_ff @(posedge ap_clk) begin
		if(!ap_rst_n) begin
			AutoStart <= 0;
			Timeout   <= DEFAULT_TIMEOUT;
		end
		else begin
			if(wr_ctrl)  AutoStart <= |(wr_data & CTRL_AUTO_START);
			for(int unsigned  b = 0; b < 4; b++) begin
				if(wr_timeout && wr_strb[b])  Timeout[8*b +: 8] <= wr_data[8*b +: 8];
			end
		end
	end

	logic [OBS_BYTES-1:0][7:0]  Obs;
	always_ff @(posedge ap_clk) begin
		foreach(Obs[i])  if(wr_obs[i])  Obs[i] <= wr_data[8*(i%4) +: 8];
	end

	logic  soft_reset, start;
	assign	soft_reset = wr_ctrl && |(wr_data & CTRL_SOFT_RESET);
	assign	start      = (wr_ctrl && |(wr_data & CTRL_START) && !soft_reset) || (wr_obs[OBS_BYTES-1] && AutoStart);

	//-----------------------------------------------------------------------
	// Resets: Clear is one cycle long, for our own state; the accelerator's lasts longer.
	logic  Clear;
	logic [$clog2(RESET_CYCLES)-1:0]  ResetCount;
	always_ff @(posedge ap_clk) begin
		Clear <= !ap_rst_n || soft_reset;
		if(Clear)                   ResetCount <= '1;
		else if(ResetCount != 0)    ResetCount <= ResetCount - 1;
		accel_rst_n <= !Clear && (ResetCount == 0);
	end

	//-----------------------------------------------------------------------
	// One inference: Pending -> Busy (Sending, then waiting for the last beat) -> Done
	logic  Accepted, Pending, Busy, Done, Overrun, Sending;
	logic [$clog2(IN_BEATS+1)-1:0]  InCount;      // beats still to send, minus one
	logic [$clog2(OUT_BEATS+1)-1:0]  OutCount;    // beats still to take, minus one
	logic [IN_BEATS*IN_W-1:0]  Send;
	logic [OUT_BEATS*OUT_W-1:0]  Act;
	logic [31:0]  Latency;                        // edges since the start was on the bus

	logic  accept, launch, out_fire, out_last;
	assign	accept   = start && !Busy && !Pending;
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
			Pending <= Pending? !launch : accept;
			if(start && !accept)  Overrun <= 1;
			if(accept)            Done    <= 0;
			if(launch) begin
				Busy    <= 1;
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
		Latency  <= accept? 1 : Latency + 1;
		Accepted <= accept;    // now the observation is whole
		if(Accepted)  Send <= Obs;
		if(launch) begin
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
	logic [31:0]  LatencyLast, LatencyMin, LatencyMax, Count, Stall;
	logic [63:0]  LatencySum;
	logic [31:0]  latency_now;
	assign	latency_now = Latency + 1;
	always_ff @(posedge ap_clk) begin
		if(Clear) begin
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
	// Reads. The lower half of a long number latches the upper half, so that both are of one time.
	logic  TimedOut, waiting, expired;
	logic [31:0]  Remaining;    // cycles until the read in progress times out
	logic [31:0]  CyclesHi, LatencySumHi;
	assign	waiting = (rd_addr == word(WAIT)) && (start || Pending || Busy);
	assign	expired = Remaining == 0;
	assign	rd_ack  = rd && (!waiting || expired);
	always_ff @(posedge ap_clk) begin
		Remaining <= !rd? Timeout : Remaining - 1;
		if(rd && (rd_addr == word(CYCLES_LO)))       CyclesHi     <= Cycles[63:32];
		if(rd && (rd_addr == word(LATENCY_SUM_LO)))  LatencySumHi <= LatencySum[63:32];
		if(Clear)                          TimedOut <= 0;
		else if(rd && waiting && expired)  TimedOut <= 1;
		else if(accept)                    TimedOut <= 0;
	end

	logic [31:0]  status;
	assign	status = (Busy || Pending? STATUS_BUSY : 0) | (Done? STATUS_DONE : 0) | (Overrun? STATUS_OVERRUN : 0)
		| (TimedOut? STATUS_TIMEOUT : 0) | (AutoStart? STATUS_AUTO_START : 0)
		| (32'(Count[15:0]) << STATUS_SEQUENCE_SHIFT);

	logic [OBS_WORDS-1:0][31:0]  obs_words;
	logic [ACT_WORDS-1:0][31:0]  act_words;
	assign	obs_words = (32*OBS_WORDS)'(Obs);
	assign	act_words = (32*ACT_WORDS)'(Act);

	always_comb begin
		rd_data = 0;
		unique case(rd_addr)
		word(ID):                rd_data = ID_VALUE;
		word(VERSION):           rd_data = VERSION_VALUE;
		word(STATUS):            rd_data = status;
		word(WAIT):              rd_data = status | (waiting? STATUS_TIMEOUT : 0);
		word(GEOMETRY):          rd_data = (ACT_BYTES << GEOMETRY_ACTION_SHIFT)
			| (OBS_BYTES << GEOMETRY_OBSERVATION_SHIFT);
		word(LATENCY_LAST):      rd_data = LatencyLast;
		word(CYCLES_LO):         rd_data = Cycles[31:0];
		word(CYCLES_HI):         rd_data = CyclesHi;
		word(LATENCY_MIN):       rd_data = LatencyMin;
		word(LATENCY_MAX):       rd_data = LatencyMax;
		word(LATENCY_SUM_LO):    rd_data = LatencySum[31:0];
		word(LATENCY_SUM_HI):    rd_data = LatencySumHi;
		word(COUNT):             rd_data = Count;
		word(STALL):             rd_data = Stall;
		word(TIMEOUT):           rd_data = Timeout;
		word(BUILD_ID):          rd_data = build_id;
		default: begin
			for(int unsigned  i = 0; i < ACT_WORDS; i++) begin
				if(rd_addr == word(ACTION + 4*i))       rd_data = act_words[i];
			end
			for(int unsigned  i = 0; i < OBS_WORDS; i++) begin
				if(rd_addr == word(OBSERVATION + 4*i))  rd_data = obs_words[i];
			end
		end
		endcase
	end

endmodule : axil_bridge
