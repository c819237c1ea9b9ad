// Whether a total reaches a threshold, both signed. Latency: none.
//
// A comparison with a constant is written as a ripple of gates: synthesis fits five bits of it into a look-up table,
// where `>=` would take a carry chain of one table a bit. The simulator is faster with `>=`, which is the same function.
module mvtu_reached #(
	bit  CONSTANT,
	int unsigned  TOTAL_BITS,
	int unsigned  THRESHOLD_BITS
)(
	input	logic signed [TOTAL_BITS    -1:0]  total,
	input	logic signed [THRESHOLD_BITS-1:0]  threshold,
	output	logic  reached
);
`ifdef VERILATOR
	localparam bit  GATES = 0;
`else
	localparam bit  GATES = CONSTANT;
`endif
	localparam int unsigned  WIDTH = 1 + (TOTAL_BITS > THRESHOLD_BITS? TOTAL_BITS : THRESHOLD_BITS);
	if(GATES) begin : genGates
		logic [WIDTH-1:0]  x, t;                         // offset binary: order as unsigned numbers
		assign	x = WIDTH'(total) ^ WIDTH'(1 << (WIDTH-1));
		assign	t = WIDTH'(threshold) ^ WIDTH'(1 << (WIDTH-1));
		always_comb begin
			reached = 1;
			for(int unsigned  b = 0; b < WIDTH; b++)  reached = t[b]? x[b] && reached : x[b] || reached;
		end
	end
	else begin : genComparator
		assign	reached = total >= threshold;
	end
endmodule : mvtu_reached
