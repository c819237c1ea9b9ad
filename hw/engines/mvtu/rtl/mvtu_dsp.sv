// Two dot products in multipliers: a code times both weights at once, the second weight above the first.
//
// Latency: that of mvtu_sum. Widths: a product is WEIGHT_BITS + INPUT_BITS wide, signed; a negative first one borrows
// from the second, which is given back. The sums count modulo 2^WIDTH.
module mvtu_dsp #(
	int unsigned  SIMD,
	int unsigned  WEIGHT_BITS,
	int unsigned  INPUT_BITS,
	bit  INPUT_SIGNED,
	int unsigned  WIDTH,
	int unsigned  CHAIN,
	int unsigned  REGISTERS
)(
	input	logic  clk,
	input	logic [1:0][SIMD-1:0][WEIGHT_BITS-1:0]  weights,
	input	logic [SIMD-1:0][INPUT_BITS-1:0]  operand,
	output	logic [1:0][WIDTH-1:0]  sums
);
	localparam int unsigned  PRODUCT_BITS = WEIGHT_BITS + INPUT_BITS;
	localparam bit [SIMD-1:0][31:0]  BOUND = {SIMD{32'(1 << (PRODUCT_BITS-1))}};

	logic [WIDTH-1:0]  rows0[SIMD];
	logic [WIDTH-1:0]  rows1[SIMD];
	for(genvar  s = 0; s < SIMD; s++) begin : genLane
		logic signed [INPUT_BITS:0]  code;
		logic signed [PRODUCT_BITS+WEIGHT_BITS:0]  both;
		logic signed [2*PRODUCT_BITS:0]  products;
		assign	code = {INPUT_SIGNED && operand[s][INPUT_BITS-1], operand[s]};
		assign	both = (signed'(weights[1][s]) <<< PRODUCT_BITS) + signed'(weights[0][s]);
		assign	products = both * code;
		assign	rows0[s] = WIDTH'(signed'(products[PRODUCT_BITS-1:0]));
		assign	rows1[s] = WIDTH'(signed'(products[2*PRODUCT_BITS-1:PRODUCT_BITS])) + WIDTH'(products[PRODUCT_BITS-1]);
	end

	mvtu_sum #(
		.ROWS(SIMD), .CHAIN(CHAIN), .WIDTH(WIDTH), .REGISTERS(REGISTERS), .LOW(BOUND), .HIGH(BOUND)
	) sum0_i (.clk, .rows(rows0), .sum(sums[0]));
	mvtu_sum #(
		.ROWS(SIMD), .CHAIN(CHAIN), .WIDTH(WIDTH), .REGISTERS(REGISTERS), .LOW(BOUND), .HIGH(BOUND)
	) sum1_i (.clk, .rows(rows1), .sum(sums[1]));
endmodule : mvtu_dsp
