// Sums the three signed lanes of a beat and a weight that comes on a second stream.
module lane_sum (
	input ap_clk, input ap_clk2x, input ap_rst_n,
	input [23:0] in0_V_TDATA, input in0_V_TVALID, output in0_V_TREADY,
	input [15:0] in1_V_TDATA, input in1_V_TVALID, output in1_V_TREADY,
	output reg [15:0] out0_V_TDATA, output reg out0_V_TVALID, input out0_V_TREADY
);
	wire go = in0_V_TVALID && in1_V_TVALID && (!out0_V_TVALID || out0_V_TREADY);
	assign in0_V_TREADY = go;
	assign in1_V_TREADY = go;
	wire signed [15:0] lane0 = $signed(in0_V_TDATA[7:0]);
	wire signed [15:0] lane1 = $signed(in0_V_TDATA[15:8]);
	wire signed [15:0] lane2 = $signed(in0_V_TDATA[23:16]);
	always @(posedge ap_clk) begin
		if(go) out0_V_TDATA <= lane0 + lane1 + lane2 + in1_V_TDATA;
		out0_V_TVALID <= ap_rst_n && (go || (out0_V_TVALID && !out0_V_TREADY));
	end
	stream_monitor monitor_i (.clk(ap_clk2x), .rst_n(ap_rst_n), .tdata(in0_V_TDATA), .tvalid(in0_V_TVALID), .tready(go));
endmodule
