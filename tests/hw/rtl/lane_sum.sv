// Sums the three signed lanes of a beat and a weight that comes on a second stream. It checks its input stream: valid
// and data must stay until ready. An input beat of 7F7F7F fails an assertion, on purpose.
module lane_sum (
	input ap_clk, input ap_clk2x, input ap_rst_n,
	input [23:0] in0_V_TDATA, input in0_V_TVALID, output in0_V_TREADY,
	input [15:0] in1_V_TDATA, input in1_V_TVALID, output in1_V_TREADY,
	output logic [15:0] out0_V_TDATA, output logic out0_V_TVALID, input out0_V_TREADY
);
	wire go = in0_V_TVALID && in1_V_TVALID && (!out0_V_TVALID || out0_V_TREADY);
	assign in0_V_TREADY = go;
	assign in1_V_TREADY = go;
	logic Held = 0;
	logic [23:0] Data;
	always_ff @(posedge ap_clk) begin
		if(go) begin
			out0_V_TVALID <= 1;
			out0_V_TDATA  <= 16'(signed'(in0_V_TDATA[7:0])) + 16'(signed'(in0_V_TDATA[15:8]))
				+ 16'(signed'(in0_V_TDATA[23:16])) + in1_V_TDATA;
		end
		else if(out0_V_TREADY) out0_V_TVALID <= 0;
		if(!ap_rst_n) out0_V_TVALID <= 0;

		Held <= ap_rst_n && in0_V_TVALID && !in0_V_TREADY;
		Data <= in0_V_TDATA;
		if(ap_rst_n && Held) assert(in0_V_TVALID && in0_V_TDATA == Data) else $error("the input stream broke its promise");
		if(go) assert(in0_V_TDATA != 24'h7F7F7F) else $error("poisoned beat");
	end
endmodule
