// Arithmetic that the parts of the matrix-vector-threshold unit share.
package mvtu_pkg;

	// Bits of the smallest two's complement number that holds everything from -low to high.
	function automatic int unsigned width(input int unsigned  low, input int unsigned  high);
		return 1 + $clog2(low > high? low : high + 1);
	endfunction : width

	// x + y modulo 2^bits, as gates. Synthesis gives `+` a carry chain, which keeps it from merging the sum with what
	// surrounds it into one look-up table; gates it merges. The simulator is faster with `+`, which is the same function.
	function automatic logic [31:0] add(input logic [31:0]  x, input logic [31:0]  y, input int unsigned  bits);
`ifdef VERILATOR
		return x + y;
`else
		automatic logic  carry = 0;
		add = 0;
		for(int unsigned  i = 0; i < bits; i++) begin
			add[i] = x[i] ^ y[i] ^ carry;
			carry  = (x[i] & y[i]) | (carry & (x[i] | y[i]));
		end
`endif
	endfunction : add

	// x times the number in the lowest `count` bits of y, which is negative where `is_signed` and its top bit is set,
	// modulo 2^bits. As gates, like `add`.
	function automatic logic [31:0] multiply(
		input logic [31:0]  x, input logic [31:0]  y, input int unsigned  count, input bit  is_signed,
		input int unsigned  bits
	);
`ifdef VERILATOR
		return x * ((y & ((32'd1 << count) - 1)) - (is_signed? (y & (32'd1 << (count-1))) << 1 : 0));
`else
		for(int unsigned  b = 0; b < count; b++) begin
			automatic logic [31:0]  multiple = x << b;
			if(is_signed && b == count-1)  multiple = add(~multiple, 32'd1, bits);
			if(b == 0)  multiply = y[b]? multiple : '0;
			else        multiply = add(multiply, y[b]? multiple : '0, bits);
		end
`endif
	endfunction : multiply

endpackage : mvtu_pkg
