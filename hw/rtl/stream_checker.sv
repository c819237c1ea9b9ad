// Watches an AXI-Stream: a beat that is shown stays, unchanged, until it is taken.
module stream_checker #(
	int unsigned  W
)(
	input	logic  clk,
	input	logic  rst_n,
	input	logic [W-1:0]  tdata,
	input	logic  tvalid,
	input	logic  tready
);
	assert property (@(posedge clk) disable iff (!rst_n) tvalid && !tready |=> tvalid && $stable(tdata))
	else $error("%m: a beat changed before it was taken");

endmodule : stream_checker
