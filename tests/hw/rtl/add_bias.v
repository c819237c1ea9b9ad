// A node of one cell: adds to each of three signed 8-bit lanes its own constant (wrapping), through one register.
module add_bias #(parameter FILE = "BIAS_FILE")(
	input ap_clk, input ap_rst_n,
	input [23:0] in0_V_TDATA, input in0_V_TVALID, output in0_V_TREADY,
	output reg [23:0] out0_V_TDATA, output reg out0_V_TVALID, input out0_V_TREADY
);
	reg [7:0] bias [0:2];
	initial $readmemh(FILE, bias);
	assign in0_V_TREADY = !out0_V_TVALID || out0_V_TREADY;
	always @(posedge ap_clk) begin
		if(in0_V_TREADY) begin
			out0_V_TVALID <= in0_V_TVALID;
			out0_V_TDATA[ 7: 0] <= in0_V_TDATA[ 7: 0] + bias[0];
			out0_V_TDATA[15: 8] <= in0_V_TDATA[15: 8] + bias[1];
			out0_V_TDATA[23:16] <= in0_V_TDATA[23:16] + bias[2];
		end
		if(!ap_rst_n) out0_V_TVALID <= 0;
	end
endmodule
