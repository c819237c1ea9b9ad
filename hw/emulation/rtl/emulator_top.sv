// What the emulator simulates: the very bridge and accelerator of quarl_shell, plus what a board does not have:
//   direct     bypasses the bridge: the harness feeds and drains the accelerator's streams itself
//   stall_*    hold back beats on either stream (see stall_gate)
// The build id comes from a file, like the weights, so that a retrained policy needs no new compilation.
module emulator_top #(
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

	input	logic  direct,
	input	logic  stall_in,
	input	logic  stall_out,
	input	logic [IN_W-1:0]  in_tdata,
	input	logic  in_tvalid,
	output	logic  in_tready,
	output	logic [OUT_W-1:0]  out_tdata,
	output	logic  out_tvalid,
	input	logic  out_tready
);
	logic [31:0]  build_id_file[1];
	initial $readmemh("build_id.dat", build_id_file);
	logic [31:0]  build_id;
	assign	build_id = build_id_file[0];

	logic  accel_rst_n;
	logic [IN_W-1:0]  obs_tdata, src_tdata, feed_tdata;
	logic  obs_tvalid, obs_tready, src_tvalid, src_tready, feed_tvalid, feed_tready;
	logic [OUT_W-1:0]  act_tdata, dst_tdata, made_tdata;
	logic  act_tvalid, act_tready, dst_tvalid, dst_tready, made_tvalid, made_tready;

	axil_bridge #(
		.OBS_BYTES(OBS_BYTES), .IN_W(IN_W), .ACT_BYTES(ACT_BYTES), .OUT_W(OUT_W), .AW(AW)
	) bridge_i (.*);

	assign	src_tdata  = direct? in_tdata  : obs_tdata;
	assign	src_tvalid = direct? in_tvalid : obs_tvalid;
	assign	in_tready  =  direct && src_tready;
	assign	obs_tready = !direct && src_tready;
	stall_gate #(.W(IN_W)) gate_in_i (
		.clk(ap_clk), .rst_n(accel_rst_n), .stall(stall_in),
		.s_tdata(src_tdata), .s_tvalid(src_tvalid), .s_tready(src_tready),
		.m_tdata(feed_tdata), .m_tvalid(feed_tvalid), .m_tready(feed_tready)
	);

	accel accel_i (
		.ap_clk, .ap_rst_n(accel_rst_n),
		.s_axis_0_tdata(feed_tdata), .s_axis_0_tvalid(feed_tvalid), .s_axis_0_tready(feed_tready),
		.m_axis_0_tdata(made_tdata), .m_axis_0_tvalid(made_tvalid), .m_axis_0_tready(made_tready)
	);

	stall_gate #(.W(OUT_W)) gate_out_i (
		.clk(ap_clk), .rst_n(accel_rst_n), .stall(stall_out),
		.s_tdata(made_tdata), .s_tvalid(made_tvalid), .s_tready(made_tready),
		.m_tdata(dst_tdata), .m_tvalid(dst_tvalid), .m_tready(dst_tready)
	);
	assign	out_tdata  = dst_tdata;
	assign	act_tdata  = dst_tdata;
	assign	out_tvalid =  direct && dst_tvalid;
	assign	act_tvalid = !direct && dst_tvalid;
	assign	dst_tready = direct? out_tready : act_tready;

	// What is connected here must keep the rules of its protocol.
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
	stream_checker #(.W(OUT_W)) accelerator_output_i (
		.clk(ap_clk), .rst_n(accel_rst_n), .tdata(made_tdata), .tvalid(made_tvalid), .tready(made_tready)
	);

endmodule : emulator_top
