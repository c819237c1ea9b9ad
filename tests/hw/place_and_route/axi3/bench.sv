// The adapter between an AXI3 master and an AXI4-Lite slave, both of which Python plays, with all channels watched.
// What Python drives and what it sees are one signal each; the order of the fields is in model.py.
module bench #(
	int unsigned  AW,
	int unsigned  IW
)(
	input	logic  clk,
	input	logic  rst_n,
	input	logic [2*(IW+AW)+98-1:0]  drive,
	output	logic [2*(IW+AW)+83-1:0]  pins
);
	logic [IW-1:0]  s_awid, s_bid, s_arid, s_rid;
	logic [AW-1:0]  s_awaddr, s_araddr, m_awaddr, m_araddr;
	logic [3:0]  s_awlen, s_arlen, s_wstrb, m_wstrb;
	logic [1:0]  s_awsize, s_arsize, s_awburst, s_arburst, s_bresp, s_rresp, m_bresp, m_rresp;
	logic [31:0]  s_wdata, s_rdata, m_wdata, m_rdata;
	logic  s_awvalid, s_awready, s_wvalid, s_wready, s_bvalid, s_bready, s_arvalid, s_arready, s_rlast, s_rvalid, s_rready;
	logic  m_awvalid, m_awready, m_wvalid, m_wready, m_bvalid, m_bready, m_arvalid, m_arready, m_rvalid, m_rready;

	assign	{
		s_awid, s_awaddr, s_awlen, s_awsize, s_awburst, s_awvalid, s_wdata, s_wstrb, s_wvalid, s_bready,
		s_arid, s_araddr, s_arlen, s_arsize, s_arburst, s_arvalid, s_rready,
		m_awready, m_wready, m_bresp, m_bvalid, m_arready, m_rdata, m_rresp, m_rvalid
	} = drive;
	assign	pins = {
		s_awready, s_wready, s_bid, s_bresp, s_bvalid, s_arready, s_rid, s_rdata, s_rresp, s_rlast, s_rvalid,
		m_awaddr, m_awvalid, m_wdata, m_wstrb, m_wvalid, m_bready, m_araddr, m_arvalid, m_rready
	};

	axi3_to_axil #(.AW(AW), .IW(IW)) adapter_i (.*);

	stream_checker #(.W(IW+AW+8)) aw_i (
		.clk, .rst_n, .tdata({ s_awid, s_awaddr, s_awlen, s_awsize, s_awburst }), .tvalid(s_awvalid), .tready(s_awready)
	);
	stream_checker #(.W(36)) w_i (.clk, .rst_n, .tdata({ s_wdata, s_wstrb }), .tvalid(s_wvalid), .tready(s_wready));
	stream_checker #(.W(IW+2)) b_i (.clk, .rst_n, .tdata({ s_bid, s_bresp }), .tvalid(s_bvalid), .tready(s_bready));
	stream_checker #(.W(IW+AW+8)) ar_i (
		.clk, .rst_n, .tdata({ s_arid, s_araddr, s_arlen, s_arsize, s_arburst }), .tvalid(s_arvalid), .tready(s_arready)
	);
	stream_checker #(.W(IW+35)) r_i (
		.clk, .rst_n, .tdata({ s_rid, s_rdata, s_rresp, s_rlast }), .tvalid(s_rvalid), .tready(s_rready)
	);
	stream_checker #(.W(AW)) lite_aw_i (.clk, .rst_n, .tdata(m_awaddr), .tvalid(m_awvalid), .tready(m_awready));
	stream_checker #(.W(36)) lite_w_i (.clk, .rst_n, .tdata({ m_wdata, m_wstrb }), .tvalid(m_wvalid), .tready(m_wready));
	stream_checker #(.W(2)) lite_b_i (.clk, .rst_n, .tdata(m_bresp), .tvalid(m_bvalid), .tready(m_bready));
	stream_checker #(.W(AW)) lite_ar_i (.clk, .rst_n, .tdata(m_araddr), .tvalid(m_arvalid), .tready(m_arready));
	stream_checker #(.W(34)) lite_r_i (.clk, .rst_n, .tdata({ m_rdata, m_rresp }), .tvalid(m_rvalid), .tready(m_rready));

endmodule : bench
