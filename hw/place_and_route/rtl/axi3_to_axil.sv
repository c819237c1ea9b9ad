// From AXI3, as a Zynq-7000's general purpose port speaks it, to AXI4-Lite: each beat of a burst becomes one access.
//
// Bursts:    FIXED, INCR and WRAP of 1 to 16 beats of 1, 2 or 4 bytes, aligned or not. One write and one read at a
//            time, independent of each other; so answers come in order, and WID, which tells interleaved bursts
//            apart, is not needed. Write data may come before its address; it waits.
// Strobes:   a beat without any strobe writes nothing and is not passed on.
// Addresses: the low AW bits, of whole words, are passed on. Narrow reads get the whole word, on its own lanes.
// Answers:   a read beat has the answer of its access, a write that of its worst beat. AxLOCK is not looked at: an
//            exclusive access is answered OKAY, which says that it was not exclusive.
// No output depends on an input within a cycle.
module axi3_to_axil #(
	int unsigned  AW = 12,   // address width, bytes
	int unsigned  IW = 12    // width of an ID
)(
	input	logic  clk,
	input	logic  rst_n,

	// AXI3
	input	logic [IW-1:0]  s_awid,
	input	logic [AW-1:0]  s_awaddr,
	input	logic [ 3:0]  s_awlen,
	input	logic [ 1:0]  s_awsize,
	input	logic [ 1:0]  s_awburst,
	input	logic  s_awvalid,
	output	logic  s_awready,
	input	logic [31:0]  s_wdata,
	input	logic [ 3:0]  s_wstrb,
	input	logic  s_wvalid,
	output	logic  s_wready,
	output	logic [IW-1:0]  s_bid,
	output	logic [ 1:0]  s_bresp,
	output	logic  s_bvalid,
	input	logic  s_bready,
	input	logic [IW-1:0]  s_arid,
	input	logic [AW-1:0]  s_araddr,
	input	logic [ 3:0]  s_arlen,
	input	logic [ 1:0]  s_arsize,
	input	logic [ 1:0]  s_arburst,
	input	logic  s_arvalid,
	output	logic  s_arready,
	output	logic [IW-1:0]  s_rid,
	output	logic [31:0]  s_rdata,
	output	logic [ 1:0]  s_rresp,
	output	logic  s_rlast,
	output	logic  s_rvalid,
	input	logic  s_rready,

	// AXI4-Lite
	output	logic [AW-1:0]  m_awaddr,
	output	logic  m_awvalid,
	input	logic  m_awready,
	output	logic [31:0]  m_wdata,
	output	logic [ 3:0]  m_wstrb,
	output	logic  m_wvalid,
	input	logic  m_wready,
	input	logic [ 1:0]  m_bresp,
	input	logic  m_bvalid,
	output	logic  m_bready,
	output	logic [AW-1:0]  m_araddr,
	output	logic  m_arvalid,
	input	logic  m_arready,
	input	logic [31:0]  m_rdata,
	input	logic [ 1:0]  m_rresp,
	input	logic  m_rvalid,
	output	logic  m_rready
);
	typedef struct packed {
		logic [AW-1:0]  addr;     // of the beat that comes
		logic [3:0]  len;         // of the burst, beats - 1
		logic [3:0]  left;        // beats that follow this one
		logic [1:0]  size;
		logic [1:0]  kind;
	} burst_t;

	// The burst after this beat. After an unaligned beat an aligned one comes, but the word is the same without that.
	function automatic burst_t after(input burst_t  burst);
		logic [AW-1:0]  sum, turn;
		sum  = burst.addr + (AW'(1) << burst.size);
		turn = AW'(burst.len) << burst.size;    // the bits that change within a WRAP, which is aligned
		after = burst;
		after.left = burst.left - 1;
		unique case(burst.kind)
		2'b00:    after.addr = burst.addr;                                  // FIXED
		2'b10:    after.addr = (burst.addr & ~turn) | (sum & turn);         // WRAP
		default:  after.addr = sum;                                         // INCR
		endcase
	endfunction : after

	//-----------------------------------------------------------------------
	// Writes
	typedef enum logic [1:0] { W_ADDRESS, W_DATA, W_ACCESS, W_RESPONSE } write_e;
	write_e  Write;
	burst_t  WBurst;
	assign	s_awready = Write == W_ADDRESS;
	assign	s_wready  = Write == W_DATA;
	assign	m_bready  = Write == W_ACCESS;
	assign	s_bvalid  = Write == W_RESPONSE;
	assign	m_awaddr  = { WBurst.addr[AW-1:2], 2'b00 };

	logic  w_access, w_done;    // a beat is passed on; a beat is over
	assign	w_access = s_wready && s_wvalid && (s_wstrb != 0);
	assign	w_done   = (s_wready && s_wvalid && (s_wstrb == 0)) || (m_bready && m_bvalid);

	always_ff @(posedge clk) begin
		if(s_awready) begin
			WBurst  <= '{ addr: s_awaddr, len: s_awlen, left: s_awlen, size: s_awsize, kind: s_awburst };
			s_bid   <= s_awid;
			s_bresp <= 0;
		end
		if(s_wready) begin
			m_wdata <= s_wdata;
			m_wstrb <= s_wstrb;
		end
		if(m_bready && m_bvalid)  s_bresp <= s_bresp | m_bresp;
		if(w_done)                WBurst  <= after(WBurst);

		if(!rst_n) begin
			Write     <= W_ADDRESS;
			m_awvalid <= 0;
			m_wvalid  <= 0;
		end
		else begin
			m_awvalid <= w_access || (m_awvalid && !m_awready);
			m_wvalid  <= w_access || (m_wvalid && !m_wready);
			if(s_awready && s_awvalid)    Write <= W_DATA;
			else if(w_access)             Write <= W_ACCESS;
			else if(w_done)               Write <= WBurst.left == 0? W_RESPONSE : W_DATA;
			else if(s_bvalid && s_bready) Write <= W_ADDRESS;
		end
	end

	//-----------------------------------------------------------------------
	// Reads
	typedef enum logic [1:0] { R_ADDRESS, R_ACCESS, R_DATA } read_e;
	read_e  Read;
	burst_t  RBurst;
	assign	s_arready = Read == R_ADDRESS;
	assign	m_rready  = Read == R_ACCESS;
	assign	s_rvalid  = Read == R_DATA;
	assign	s_rlast   = RBurst.left == 0;
	assign	m_araddr  = { RBurst.addr[AW-1:2], 2'b00 };

	logic  r_access, r_done;    // a beat is asked for; a beat is over
	assign	r_done   = s_rvalid && s_rready;
	assign	r_access = (s_arready && s_arvalid) || (r_done && !s_rlast);

	always_ff @(posedge clk) begin
		if(s_arready) begin
			RBurst <= '{ addr: s_araddr, len: s_arlen, left: s_arlen, size: s_arsize, kind: s_arburst };
			s_rid  <= s_arid;
		end
		if(m_rready) begin
			s_rdata <= m_rdata;
			s_rresp <= m_rresp;
		end
		if(r_done)  RBurst <= after(RBurst);

		if(!rst_n) begin
			Read      <= R_ADDRESS;
			m_arvalid <= 0;
		end
		else begin
			m_arvalid <= r_access || (m_arvalid && !m_arready);
			if(r_access)                   Read <= R_ACCESS;
			else if(m_rready && m_rvalid)  Read <= R_DATA;
			else if(r_done)                Read <= R_ADDRESS;
		end
	end

endmodule : axi3_to_axil
