// Streams three constants, over and over.
module weight_stream #(parameter PREFIX = "WEIGHT_PREFIX")(
	input ap_clk, input ap_rst_n, input s_axilite_AWVALID, output s_axilite_AWREADY,
	output [15:0] m_axis_0_tdata, output m_axis_0_tvalid, input m_axis_0_tready
);
	reg [15:0] weights [0:2];
	initial $readmemh($sformatf("%sweights.dat", PREFIX), weights);
	reg [1:0] i;
	assign m_axis_0_tdata = weights[i];
	assign m_axis_0_tvalid = ap_rst_n;
	assign s_axilite_AWREADY = 0;
	always @(posedge ap_clk)
		if(!ap_rst_n) i <= 0;
		else if(m_axis_0_tready) i <= i == 2? 0 : i + 1;
endmodule
