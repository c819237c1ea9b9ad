// A dot product for few weight words: bits of the operand select multiples of the weights.
//
// A row covers BITS_A_ROW bits of the operand, taken as one string. With the few bits that number the weight word they
// are at most five signals, and the running sum's own bit the sixth: so a row and its addition take one look-up table a
// bit. Hence what makes the rows is gates.
// Latency: that of mvtu_sum. Widths: the sum counts modulo 2^WIDTH.
module mvtu_tables import mvtu_pkg::*; #(
	int unsigned  SIMD,
	int unsigned  WEIGHT_BITS,
	int unsigned  INPUT_BITS,
	bit  INPUT_SIGNED,
	int unsigned  BITS_A_ROW,
	int unsigned  WIDTH,
	int unsigned  CHAIN,
	int unsigned  REGISTERS
)(
	input	logic  clk,
	input	logic [SIMD-1:0][WEIGHT_BITS-1:0]  weights,
	input	logic [SIMD-1:0][INPUT_BITS -1:0]  operand,
	output	logic [WIDTH-1:0]  sum
);
	localparam int unsigned  BITS = SIMD * INPUT_BITS;
	localparam int unsigned  ROWS = (BITS + BITS_A_ROW-1) / BITS_A_ROW;

	// Magnitude of the least (or with HIGH the greatest) value of every row
	function automatic bit [ROWS-1:0][31:0] bounds(input bit  high);
		for(int unsigned  r = 0; r < ROWS; r++) begin
			automatic int  bound = 0;
			for(int unsigned  k = r*BITS_A_ROW; k < (r+1)*BITS_A_ROW && k < BITS; k++) begin
				automatic bit  sign_bit = INPUT_SIGNED && k % INPUT_BITS == INPUT_BITS-1;
				bound += ((1 << (WEIGHT_BITS-1)) - int'(high != sign_bit)) << (k % INPUT_BITS);
			end
			bounds[r] = bound;
		end
	endfunction : bounds

	// Bits that hold every row
	function automatic int unsigned row_bits();
		automatic bit [ROWS-1:0][31:0]  low = bounds(0), high = bounds(1);
		row_bits = 1;
		for(int unsigned  r = 0; r < ROWS; r++)
			if(width(low[r], high[r]) > row_bits)  row_bits = width(low[r], high[r]);
		if(row_bits > WIDTH)  row_bits = WIDTH;
	endfunction : row_bits
	localparam int unsigned  ROW_BITS = row_bits();

	logic [WIDTH-1:0]  rows[ROWS];
	for(genvar  r = 0; r < ROWS; r++) begin : genRow
		localparam int  FIRST = r*BITS_A_ROW;
		localparam int  END   = FIRST + BITS_A_ROW < BITS? FIRST + BITS_A_ROW : BITS;
		logic [31:0]  total;
		always_comb begin
			for(int  s = FIRST/INPUT_BITS; s*int'(INPUT_BITS) < END; s++) begin      // the codes that the row reaches into
				automatic int  low  = FIRST > s*int'(INPUT_BITS)? FIRST - s*int'(INPUT_BITS) : 0;
				automatic int  high = END < (s+1)*int'(INPUT_BITS)? END - s*int'(INPUT_BITS) : int'(INPUT_BITS);
				automatic logic [31:0]  part = multiply(32'(signed'(weights[s])), 32'(operand[s]) >> low, high - low,
					INPUT_SIGNED && high == int'(INPUT_BITS), ROW_BITS) << low;
				total = s == FIRST/INPUT_BITS? part : add(total, part, ROW_BITS);
			end
		end
		assign	rows[r] = WIDTH'(signed'(total[ROW_BITS-1:0]));
	end

	mvtu_sum #(
		.ROWS(ROWS), .CHAIN(CHAIN), .WIDTH(WIDTH), .REGISTERS(REGISTERS), .LOW(bounds(0)), .HIGH(bounds(1))
	) sum_i (.clk, .rows, .sum);
endmodule : mvtu_tables
