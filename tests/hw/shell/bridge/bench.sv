// The bridge between an AXI master and an accelerator, both of which Python plays, with all rules of both protocols
// watched. `pins` is everything on its edge, so that the bench reads one signal a cycle; the order is in bench.py.
module bench #(
	int unsigned  OBS_BYTES,
	int unsigned  IN_W,
	int unsigned  ACT_BYTES,
	int unsigned  OUT_W,
	int unsigned  AW
)(
	input	logic  ap_clk,
	input	logic  ap_rst_n,

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

	input	logic  obs_tready,
	input	logic [OUT_W-1:0]  act_tdata,
	input	logic  act_tvalid,
	output	logic [2*AW+84+IN_W+OUT_W-1:0]  pins
);
	logic [31:0]  build_id;
	assign	build_id = 32'hC0FFEE01;
	logic  accel_rst_n, obs_tvalid, act_tready;
	logic [IN_W-1:0]  obs_tdata;
	axil_bridge #(
		.OBS_BYTES(OBS_BYTES), .IN_W(IN_W), .ACT_BYTES(ACT_BYTES), .OUT_W(OUT_W), .AW(AW)
	) bridge_i (.*);

	axil_checker #(.AW(AW)) bus_i (
		.clk(ap_clk), .rst_n(ap_rst_n),
		.awaddr(s_axi_ctrl_awaddr), .awvalid(s_axi_ctrl_awvalid), .awready(s_axi_ctrl_awready),
		.wdata(s_axi_ctrl_wdata), .wstrb(s_axi_ctrl_wstrb), .wvalid(s_axi_ctrl_wvalid), .wready(s_axi_ctrl_wready),
		.bresp(s_axi_ctrl_bresp), .bvalid(s_axi_ctrl_bvalid), .bready(s_axi_ctrl_bready),
		.araddr(s_axi_ctrl_araddr), .arvalid(s_axi_ctrl_arvalid), .arready(s_axi_ctrl_arready),
		.rdata(s_axi_ctrl_rdata), .rresp(s_axi_ctrl_rresp), .rvalid(s_axi_ctrl_rvalid), .rready(s_axi_ctrl_rready)
	);
	stream_checker #(.W(IN_W)) observation_i (
		.clk(ap_clk), .rst_n(accel_rst_n), .tdata(obs_tdata), .tvalid(obs_tvalid), .tready(obs_tready)
	);

	assign	pins = {
		s_axi_ctrl_awaddr, s_axi_ctrl_wdata, s_axi_ctrl_wstrb, s_axi_ctrl_araddr, s_axi_ctrl_rdata, obs_tdata, act_tdata,
		s_axi_ctrl_awvalid, s_axi_ctrl_awready, s_axi_ctrl_wvalid, s_axi_ctrl_wready, s_axi_ctrl_bvalid, s_axi_ctrl_bready,
		s_axi_ctrl_arvalid, s_axi_ctrl_arready, s_axi_ctrl_rvalid, s_axi_ctrl_rready,
		ap_rst_n, accel_rst_n, obs_tvalid, obs_tready, act_tvalid, act_tready
	};

endmodule : bench
