// A beat of the input stream is a clock cycle of the units under test; the answers are those of the same cycle.
module mvu_bench (
	input ap_clk, input ap_rst_n,
	input [511:0] in0_V_TDATA, input in0_V_TVALID, output in0_V_TREADY,
	output [1023:0] out0_V_TDATA, output out0_V_TVALID, input out0_V_TREADY
);
	assign in0_V_TREADY = out0_V_TREADY;
	assign out0_V_TVALID = in0_V_TVALID;
	mvu_bench_core core_i (.ap_clk(ap_clk), .ap_rst_n(ap_rst_n), .beat(in0_V_TDATA),
		.fire(in0_V_TVALID && in0_V_TREADY), .answer(out0_V_TDATA));
endmodule
