// A gate in an AXI-Stream that withholds beats while `stall` is up, without ever breaking the protocol: once valid
// has been shown it stays until ready. No latency, no storage. For the emulator, which drives `stall` at random.
module stall_gate #(
	int unsigned  W
)(
	input	logic  clk,
	input	logic  rst_n,
	input	logic  stall,

	input	logic [W-1:0]  s_tdata,
	input	logic  s_tvalid,
	output	logic  s_tready,
	output	logic [W-1:0]  m_tdata,
	output	logic  m_tvalid,
	input	logic  m_tready
);
	logic  Shown = 0;    // valid was up and not taken
	logic  open;
	assign	open = Shown || !stall;

	assign	m_tdata  = s_tdata;
	assign	m_tvalid = s_tvalid && open;
	assign	s_tready = m_tready && open;

	always_ff @(posedge clk)  Shown <= rst_n && m_tvalid && !m_tready;

endmodule : stall_gate
