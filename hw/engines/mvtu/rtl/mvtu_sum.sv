// The sum of the rows of one dot product: chains of CHAIN rows each, then a tree of adders over the chains.
//
// In a chain every row is added in the very look-up tables that make it: the running sum is the adder's plain operand,
// the row the merged one. Longer chains are smaller and slower. `keep` holds synthesis off from turning the sums into
// its own trees of three-input adders, which are larger.
// Latency: one cycle for every register: bit l of REGISTERS puts one behind level l, where 0 are the chains. Always flows.
// Widths:  row r lies in -LOW[r] to HIGH[r]; every partial sum is as wide as its rows need, and at most WIDTH, as the
//          result counts modulo 2^WIDTH.
module mvtu_sum import mvtu_pkg::*; #(
	int unsigned  ROWS,
	int unsigned  CHAIN,
	int unsigned  WIDTH,
	int unsigned  REGISTERS,
	bit [ROWS-1:0][31:0]  LOW,
	bit [ROWS-1:0][31:0]  HIGH
)(
	input	logic  clk,
	input	logic [WIDTH-1:0]  rows[ROWS],
	output	logic [WIDTH-1:0]  sum
);
	localparam int unsigned  CHAINS = (ROWS + CHAIN - 1) / CHAIN;
	localparam int unsigned  LEVELS = $clog2(CHAINS);

	// Bits of the sum of `count` rows from `first` on, as far as they exist
	function automatic int unsigned bits(input int unsigned  first, input int unsigned  count);
		automatic int unsigned  low = 0, high = 0, needed;
		for(int unsigned  r = first; r < first + count && r < ROWS; r++) begin
			low  += LOW[r];
			high += HIGH[r];
		end
		needed = width(low, high);
		return needed < WIDTH? needed : WIDTH;
	endfunction : bits

	// Rows of a chain: the last one may be shorter
	function automatic int unsigned length(input int unsigned  chain);
		return (chain+1)*CHAIN <= ROWS? CHAIN : ROWS - chain*CHAIN;
	endfunction : length

	for(genvar  c = 0; c < CHAINS; c++) begin : genChain
		for(genvar  r = 0; r < length(c); r++) begin : genLink
			localparam int unsigned  W = bits(c*CHAIN, r+1);
			(* keep *)
			logic signed [W-1:0]  total;
			if(r == 0)  assign  total = rows[c*CHAIN][W-1:0];
			else        assign  total = genLink[r-1].total + signed'(rows[c*CHAIN + r][W-1:0]);
		end
	end

	for(genvar  l = 0; l <= LEVELS; l++) begin : genLevel
		localparam int unsigned  NODES = (CHAINS + (1 << l) - 1) >> l;
		for(genvar  k = 0; k < NODES; k++) begin : genNode
			localparam int unsigned  W = bits((k << l)*CHAIN, CHAIN << l);
			(* keep *)
			logic signed [W-1:0]  total;
			logic signed [W-1:0]  next;
			if(l == 0)
				assign	next = genChain[k].genLink[length(k)-1].total;
			else if(2*k + 1 < (CHAINS + (1 << (l-1)) - 1) >> (l-1))
				assign	next = genLevel[l-1].genNode[2*k].total + genLevel[l-1].genNode[2*k + 1].total;
			else
				assign	next = genLevel[l-1].genNode[2*k].total;

			if((REGISTERS >> l) & 1)  always_ff @(posedge clk)  total <= next;
			else                      assign  total = next;
		end
	end
	assign	sum = WIDTH'(genLevel[LEVELS].genNode[0].total);
endmodule : mvtu_sum
