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
	// Procedural, which the simulator does faster than a property
	logic  Held = 0;    // was shown and not taken; none before the first reset, when all else may be anything
	logic [W-1:0]  Data;
	always_ff @(posedge clk) begin
		Held <= rst_n && tvalid && !tready;
		if(tvalid && !tready)  Data <= tdata;
		if(rst_n && Held)  assert(tvalid && tdata == Data)  else $error("%m: a beat changed before it was taken");
	end

endmodule : stream_checker
