// Distributed memories that nextpnr-xilinx does not place, made of those that it does: RAM32X1D and RAM64X1D, read at
// the second port, DPO, where the write address is the read address too. Deeper ones are halves, chosen by the highest
// address bit: a half is written where that bit is its own, and a table picks the half that is read.
module RAM32X1S (output O, input A0, A1, A2, A3, A4, D, WCLK, WE);
	parameter [31:0] INIT = 0;
	parameter [0:0] IS_WCLK_INVERTED = 0;
	RAM32X1D #(.INIT(INIT), .IS_WCLK_INVERTED(IS_WCLK_INVERTED)) ram_i (
		.DPO(O), .D(D), .WCLK(WCLK), .WE(WE), .A0(A0), .A1(A1), .A2(A2), .A3(A3), .A4(A4),
		.DPRA0(A0), .DPRA1(A1), .DPRA2(A2), .DPRA3(A3), .DPRA4(A4));
endmodule

module RAM64X1S (output O, input A0, A1, A2, A3, A4, A5, D, WCLK, WE);
	parameter [63:0] INIT = 0;
	parameter [0:0] IS_WCLK_INVERTED = 0;
	RAM64X1D #(.INIT(INIT), .IS_WCLK_INVERTED(IS_WCLK_INVERTED)) ram_i (
		.DPO(O), .D(D), .WCLK(WCLK), .WE(WE), .A0(A0), .A1(A1), .A2(A2), .A3(A3), .A4(A4), .A5(A5),
		.DPRA0(A0), .DPRA1(A1), .DPRA2(A2), .DPRA3(A3), .DPRA4(A4), .DPRA5(A5));
endmodule

module RAM128X1S (output O, input A0, A1, A2, A3, A4, A5, A6, D, WCLK, WE);
	parameter [127:0] INIT = 0;
	parameter [0:0] IS_WCLK_INVERTED = 0;
	wire [1:0] we, o;
	LUT2 #(.INIT(4'h2)) write_low_i (.O(we[0]), .I0(WE), .I1(A6));
	LUT2 #(.INIT(4'h8)) write_high_i (.O(we[1]), .I0(WE), .I1(A6));
	RAM64X1S #(.INIT(INIT[63:0]), .IS_WCLK_INVERTED(IS_WCLK_INVERTED)) low_i (
		.O(o[0]), .D(D), .WCLK(WCLK), .WE(we[0]), .A0(A0), .A1(A1), .A2(A2), .A3(A3), .A4(A4), .A5(A5));
	RAM64X1S #(.INIT(INIT[127:64]), .IS_WCLK_INVERTED(IS_WCLK_INVERTED)) high_i (
		.O(o[1]), .D(D), .WCLK(WCLK), .WE(we[1]), .A0(A0), .A1(A1), .A2(A2), .A3(A3), .A4(A4), .A5(A5));
	LUT3 #(.INIT(8'hCA)) read_i (.O(O), .I0(o[0]), .I1(o[1]), .I2(A6));
endmodule

module RAM256X1S (output O, input [7:0] A, input D, WCLK, WE);
	parameter [255:0] INIT = 0;
	parameter [0:0] IS_WCLK_INVERTED = 0;
	wire [1:0] we, o;
	LUT2 #(.INIT(4'h2)) write_low_i (.O(we[0]), .I0(WE), .I1(A[7]));
	LUT2 #(.INIT(4'h8)) write_high_i (.O(we[1]), .I0(WE), .I1(A[7]));
	RAM128X1S #(.INIT(INIT[127:0]), .IS_WCLK_INVERTED(IS_WCLK_INVERTED)) low_i (
		.O(o[0]), .D(D), .WCLK(WCLK), .WE(we[0]),
		.A0(A[0]), .A1(A[1]), .A2(A[2]), .A3(A[3]), .A4(A[4]), .A5(A[5]), .A6(A[6]));
	RAM128X1S #(.INIT(INIT[255:128]), .IS_WCLK_INVERTED(IS_WCLK_INVERTED)) high_i (
		.O(o[1]), .D(D), .WCLK(WCLK), .WE(we[1]),
		.A0(A[0]), .A1(A[1]), .A2(A[2]), .A3(A[3]), .A4(A[4]), .A5(A[5]), .A6(A[6]));
	LUT3 #(.INIT(8'hCA)) read_i (.O(O), .I0(o[0]), .I1(o[1]), .I2(A[7]));
endmodule

module RAM128X1D (output DPO, SPO, input D, WCLK, WE, input [6:0] A, DPRA);
	parameter [127:0] INIT = 0;
	parameter [0:0] IS_WCLK_INVERTED = 0;
	wire [1:0] we, dpo, spo;
	LUT2 #(.INIT(4'h2)) write_low_i (.O(we[0]), .I0(WE), .I1(A[6]));
	LUT2 #(.INIT(4'h8)) write_high_i (.O(we[1]), .I0(WE), .I1(A[6]));
	RAM64X1D #(.INIT(INIT[63:0]), .IS_WCLK_INVERTED(IS_WCLK_INVERTED)) low_i (
		.DPO(dpo[0]), .SPO(spo[0]), .D(D), .WCLK(WCLK), .WE(we[0]),
		.A0(A[0]), .A1(A[1]), .A2(A[2]), .A3(A[3]), .A4(A[4]), .A5(A[5]),
		.DPRA0(DPRA[0]), .DPRA1(DPRA[1]), .DPRA2(DPRA[2]), .DPRA3(DPRA[3]), .DPRA4(DPRA[4]), .DPRA5(DPRA[5]));
	RAM64X1D #(.INIT(INIT[127:64]), .IS_WCLK_INVERTED(IS_WCLK_INVERTED)) high_i (
		.DPO(dpo[1]), .SPO(spo[1]), .D(D), .WCLK(WCLK), .WE(we[1]),
		.A0(A[0]), .A1(A[1]), .A2(A[2]), .A3(A[3]), .A4(A[4]), .A5(A[5]),
		.DPRA0(DPRA[0]), .DPRA1(DPRA[1]), .DPRA2(DPRA[2]), .DPRA3(DPRA[3]), .DPRA4(DPRA[4]), .DPRA5(DPRA[5]));
	LUT3 #(.INIT(8'hCA)) read_i (.O(DPO), .I0(dpo[0]), .I1(dpo[1]), .I2(DPRA[6]));
	LUT3 #(.INIT(8'hCA)) reread_i (.O(SPO), .I0(spo[0]), .I1(spo[1]), .I2(A[6]));
endmodule
