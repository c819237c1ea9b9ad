// One, three and minus one times every code of the operand, which all dot products share.
//
// Latency: none. Widths: a multiple of an INPUT_BITS code takes WIDTH bits, signed.
module mvtu_multiples import mvtu_pkg::*; #(
	int unsigned  SIMD,
	int unsigned  INPUT_BITS,
	bit  INPUT_SIGNED,
	localparam int unsigned  WIDTH = INPUT_BITS + 3
)(
	input	logic [SIMD-1:0][INPUT_BITS-1:0]  operand,
	output	logic [SIMD-1:0][WIDTH-1:0]  once,
	output	logic [SIMD-1:0][WIDTH-1:0]  thrice,
	output	logic [SIMD-1:0][WIDTH-1:0]  minus
);
	for(genvar  s = 0; s < SIMD; s++) begin : genLane
		logic [WIDTH-1:0]  x;
		assign	x = {{3{INPUT_SIGNED && operand[s][INPUT_BITS-1]}}, operand[s]};
		assign	once[s] = x;
		if(INPUT_BITS > 4) begin : genCarryChain
			assign	thrice[s] = x + {x[WIDTH-2:0], 1'b0};
			assign	minus[s] = -x;
		end
		else begin : genGates      // so few bits that the multiples merge with what selects them
			assign	thrice[s] = WIDTH'(add(32'(x), 32'({x[WIDTH-2:0], 1'b0}), WIDTH));
			assign	minus[s] = WIDTH'(add(32'(~x), 32'd1, WIDTH));
		end
	end
endmodule : mvtu_multiples
