// A dot product for many weight words: radix-4 digits of the weights select multiples of the codes.
//
// A row is a digit times a code. The digits are 0 to 3, the top one -2 to 1. A bit of a row depends on the digit's two
// bits and three bits of the code's multiples, so a row and its addition take one look-up table a bit. The simulator gets
// the product itself, which is the same function: a choice by bits of a weight is a branch that no processor foretells.
// Latency: that of mvtu_sum. Widths: the sum counts modulo 2^WIDTH. Row s*DIGITS + j belongs to code s and digit j.
module mvtu_digits #(
	int unsigned  SIMD,
	int unsigned  WEIGHT_BITS,
	int unsigned  INPUT_BITS,
	bit  INPUT_SIGNED,
	int unsigned  WIDTH,
	int unsigned  CHAIN,
	int unsigned  REGISTERS,
	localparam int unsigned  MULTIPLE_BITS = INPUT_BITS + 3
)(
	input	logic  clk,
	input	logic [SIMD-1:0][WEIGHT_BITS-1:0]  weights,
	input	logic [SIMD-1:0][MULTIPLE_BITS-1:0]  once,
	input	logic [SIMD-1:0][MULTIPLE_BITS-1:0]  thrice,
	input	logic [SIMD-1:0][MULTIPLE_BITS-1:0]  minus,
	output	logic [WIDTH-1:0]  sum
);
	localparam int unsigned  DIGITS = (WEIGHT_BITS + 1) / 2;
	localparam int unsigned  ROWS = SIMD * DIGITS;

	// Magnitude of the least (or with HIGH the greatest) value of every row
	function automatic bit [ROWS-1:0][31:0] bounds(input bit  high);
		automatic int  most  = (1 << (INPUT_BITS - int'(INPUT_SIGNED))) - 1;
		automatic int  least = INPUT_SIGNED? most + 1 : 0;
		for(int unsigned  r = 0; r < ROWS; r++) begin
			automatic int  up   = r % DIGITS == DIGITS-1? 1 : 3;
			automatic int  down = r % DIGITS == DIGITS-1? 2 : 0;
			automatic int  same  = high? up*most : down*most;      // digit and code of one sign, or not
			automatic int  other = high? down*least : up*least;
			bounds[r] = (same > other? same : other) << (2*(r % DIGITS));
		end
	endfunction : bounds

	logic [WIDTH-1:0]  rows[ROWS];
	for(genvar  s = 0; s < SIMD; s++) begin : genLane
		logic [2*DIGITS-1:0]  weight;
		assign	weight = (2*DIGITS)'(signed'(weights[s]));
		for(genvar  j = 0; j < DIGITS; j++) begin : genDigit
			logic [1:0]  digit;
			logic signed [MULTIPLE_BITS-1:0]  product;
			assign	digit = weight[2*j +: 2];
`ifdef VERILATOR
			if(j == DIGITS-1)  assign  product = MULTIPLE_BITS'(signed'(digit)         * signed'(once[s]));
			else               assign  product = MULTIPLE_BITS'(signed'({1'b0, digit}) * signed'(once[s]));
`else
			if(j == DIGITS-1)
				assign  product = digit[1]? (digit[0]? minus[s]  : {minus[s][MULTIPLE_BITS-2:0], 1'b0})
				                          : (digit[0]? once[s]   : '0);
			else
				assign  product = digit[1]? (digit[0]? thrice[s] : {once[s][MULTIPLE_BITS-2:0], 1'b0})
				                          : (digit[0]? once[s]   : '0);
`endif
			assign	rows[s*DIGITS + j] = WIDTH'(product) << (2*j);
		end
	end

	mvtu_sum #(
		.ROWS(ROWS), .CHAIN(CHAIN), .WIDTH(WIDTH), .REGISTERS(REGISTERS), .LOW(bounds(0)), .HIGH(bounds(1))
	) sum_i (.clk, .rows, .sum);
endmodule : mvtu_digits
