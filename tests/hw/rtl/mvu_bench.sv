// Several `mvu` configurations under one stimulus: a beat is one clock cycle, and carries the controls, weights and
// activations, of which each configuration takes what it needs. The answer is 128 bits a configuration: p and vld.
module mvu_bench (
	input ap_clk, input ap_rst_n,
	input [511:0] in0_V_TDATA, input in0_V_TVALID, output in0_V_TREADY,
	output [1023:0] out0_V_TDATA, output out0_V_TVALID, input out0_V_TREADY
);
	localparam int unsigned N = 8;
	//                                       PE SIMD WW AW ACC signed
	localparam int unsigned CONFIG[N][6] = '{
		'{1, 1, 2, 2,  6, 0}, '{4, 8, 4, 4, 14, 0}, '{3, 5, 3, 8, 16, 1}, '{2, 7, 8, 8, 24, 0},
		'{5, 3, 2, 3, 12, 1}, '{1, 8, 8, 2, 18, 0}, '{4, 1, 6, 5, 20, 1}, '{2, 4, 5, 7, 16, 0}
	};
	assign in0_V_TREADY  = out0_V_TREADY;
	assign out0_V_TVALID = in0_V_TVALID;
	wire fire = in0_V_TVALID && in0_V_TREADY;
	for(genvar i = 0; i < N; i++) begin : genConfig
		localparam int unsigned PE = CONFIG[i][0], SIMD = CONFIG[i][1], WW = CONFIG[i][2], AW = CONFIG[i][3];
		wire vld;
		wire [PE*CONFIG[i][4]-1:0] p;
		mvu #(.PE(PE), .SIMD(SIMD), .WEIGHT_WIDTH(WW), .ACTIVATION_WIDTH(AW), .ACCU_WIDTH(CONFIG[i][4]),
			.SIGNED_ACTIVATIONS(CONFIG[i][5] != 0)) dut (
			.clk(ap_clk), .rst(!ap_rst_n), .en(fire && in0_V_TDATA[0]), .last(in0_V_TDATA[1]), .zero(in0_V_TDATA[2]),
			.w(in0_V_TDATA[8 +: PE*SIMD*WW]), .a(in0_V_TDATA[400 +: SIMD*AW]), .vld, .p
		);
		assign out0_V_TDATA[128*i +: 128] = 128'(p) << 8 | 128'(vld);
	end
endmodule
