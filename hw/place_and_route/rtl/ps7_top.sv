// The whole of a Zynq-7000 without a block design: processing system, adapter and shell. It has no pins.
//
//   PS7 ── M_AXI_GP0, AXI3 ── axi3_to_axil ── quarl_shell
//    └─ FCLK0 ── clock buffer, reset synchroniser
//
// The shell answers everywhere in M_AXI_GP0's range, 0x40000000 to 0x7FFFFFFF, every 2**AW bytes anew.
module ps7_top #(
	int unsigned  AW = 12    // address width of the shell, bytes
);
	logic [3:0]  fclk, fclk_reset_n;
	logic  clk;
	BUFG clock_i (.I(fclk[0]), .O(clk));

	// Reset at once, released at an edge. Cleared asynchronously, which no table that shifts can be.
	(* ASYNC_REG = "TRUE" *) logic [3:0]  Released;
	always_ff @(posedge clk, negedge fclk_reset_n[0]) begin
		if(!fclk_reset_n[0])  Released <= 0;
		else                  Released <= { Released[2:0], 1'b1 };
	end
	logic  rst_n;
	assign	rst_n = Released[3];

	logic [11:0]  gp_awid, gp_bid, gp_arid, gp_rid;
	logic [31:0]  gp_awaddr, gp_wdata, gp_araddr, gp_rdata;
	logic [ 3:0]  gp_awlen, gp_wstrb, gp_arlen;
	logic [ 1:0]  gp_awsize, gp_awburst, gp_bresp, gp_arsize, gp_arburst, gp_rresp;
	logic  gp_awvalid, gp_awready, gp_wvalid, gp_wready, gp_bvalid, gp_bready;
	logic  gp_arvalid, gp_arready, gp_rlast, gp_rvalid, gp_rready;
	(* keep *) PS7 ps7_i (
		.FCLKCLK(fclk), .FCLKRESETN(fclk_reset_n), .FCLKCLKTRIGN(4'b0), .FPGAIDLEN(1'b1), .MAXIGP0ACLK(clk),
		.MAXIGP0AWID(gp_awid), .MAXIGP0AWADDR(gp_awaddr), .MAXIGP0AWLEN(gp_awlen),
		.MAXIGP0AWSIZE(gp_awsize), .MAXIGP0AWBURST(gp_awburst), .MAXIGP0AWVALID(gp_awvalid), .MAXIGP0AWREADY(gp_awready),
		.MAXIGP0WDATA(gp_wdata), .MAXIGP0WSTRB(gp_wstrb), .MAXIGP0WVALID(gp_wvalid), .MAXIGP0WREADY(gp_wready),
		.MAXIGP0BID(gp_bid), .MAXIGP0BRESP(gp_bresp), .MAXIGP0BVALID(gp_bvalid), .MAXIGP0BREADY(gp_bready),
		.MAXIGP0ARID(gp_arid), .MAXIGP0ARADDR(gp_araddr), .MAXIGP0ARLEN(gp_arlen),
		.MAXIGP0ARSIZE(gp_arsize), .MAXIGP0ARBURST(gp_arburst), .MAXIGP0ARVALID(gp_arvalid), .MAXIGP0ARREADY(gp_arready),
		.MAXIGP0RID(gp_rid), .MAXIGP0RDATA(gp_rdata), .MAXIGP0RRESP(gp_rresp), .MAXIGP0RLAST(gp_rlast),
		.MAXIGP0RVALID(gp_rvalid), .MAXIGP0RREADY(gp_rready)
	);

	logic [AW-1:0]  lite_awaddr, lite_araddr;
	logic [31:0]  lite_wdata, lite_rdata;
	logic [ 3:0]  lite_wstrb;
	logic [ 1:0]  lite_bresp, lite_rresp;
	logic  lite_awvalid, lite_awready, lite_wvalid, lite_wready, lite_bvalid, lite_bready;
	logic  lite_arvalid, lite_arready, lite_rvalid, lite_rready;
	axi3_to_axil #(.AW(AW), .IW(12)) adapter_i (
		.clk, .rst_n,
		.s_awid(gp_awid), .s_awaddr(gp_awaddr[AW-1:0]), .s_awlen(gp_awlen), .s_awsize(gp_awsize),
		.s_awburst(gp_awburst), .s_awvalid(gp_awvalid), .s_awready(gp_awready),
		.s_wdata(gp_wdata), .s_wstrb(gp_wstrb), .s_wvalid(gp_wvalid), .s_wready(gp_wready),
		.s_bid(gp_bid), .s_bresp(gp_bresp), .s_bvalid(gp_bvalid), .s_bready(gp_bready),
		.s_arid(gp_arid), .s_araddr(gp_araddr[AW-1:0]), .s_arlen(gp_arlen), .s_arsize(gp_arsize),
		.s_arburst(gp_arburst), .s_arvalid(gp_arvalid), .s_arready(gp_arready),
		.s_rid(gp_rid), .s_rdata(gp_rdata), .s_rresp(gp_rresp), .s_rlast(gp_rlast), .s_rvalid(gp_rvalid),
		.s_rready(gp_rready),
		.m_awaddr(lite_awaddr), .m_awvalid(lite_awvalid), .m_awready(lite_awready),
		.m_wdata(lite_wdata), .m_wstrb(lite_wstrb), .m_wvalid(lite_wvalid), .m_wready(lite_wready),
		.m_bresp(lite_bresp), .m_bvalid(lite_bvalid), .m_bready(lite_bready),
		.m_araddr(lite_araddr), .m_arvalid(lite_arvalid), .m_arready(lite_arready),
		.m_rdata(lite_rdata), .m_rresp(lite_rresp), .m_rvalid(lite_rvalid), .m_rready(lite_rready)
	);

	quarl_shell shell_i (
		.ap_clk(clk), .ap_rst_n(rst_n),
		.s_axi_ctrl_awaddr(lite_awaddr), .s_axi_ctrl_awvalid(lite_awvalid), .s_axi_ctrl_awready(lite_awready),
		.s_axi_ctrl_wdata(lite_wdata), .s_axi_ctrl_wstrb(lite_wstrb), .s_axi_ctrl_wvalid(lite_wvalid),
		.s_axi_ctrl_wready(lite_wready),
		.s_axi_ctrl_bresp(lite_bresp), .s_axi_ctrl_bvalid(lite_bvalid), .s_axi_ctrl_bready(lite_bready),
		.s_axi_ctrl_araddr(lite_araddr), .s_axi_ctrl_arvalid(lite_arvalid), .s_axi_ctrl_arready(lite_arready),
		.s_axi_ctrl_rdata(lite_rdata), .s_axi_ctrl_rresp(lite_rresp), .s_axi_ctrl_rvalid(lite_rvalid),
		.s_axi_ctrl_rready(lite_rready)
	);

endmodule : ps7_top
