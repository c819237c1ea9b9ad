// A table with two outputs, as nextpnr-xilinx takes it: it packs the two again
module LUT6_2 (output O6, O5, input I0, I1, I2, I3, I4, I5);
	parameter [63:0] INIT = 0;
	LUT6 #(.INIT(INIT)) upper_i (.O(O6), .I0(I0), .I1(I1), .I2(I2), .I3(I3), .I4(I4), .I5(I5));
	LUT5 #(.INIT(INIT[31:0])) lower_i (.O(O5), .I0(I0), .I1(I1), .I2(I2), .I3(I3), .I4(I4));
endmodule
