// Turns totals into codes: the number of thresholds that a total reaches, plus OFFSET; for PE channels side by side.
//
// The upper bits of the count, at most PARALLEL, come from that many comparisons at once, the lower ones from a binary
// search of two bits a stage. FILE has a word a pass (or a single one, if ROWS is 1): the COUNT thresholds of each of
// the PE channels, or of all channels if SHARED, ascending.
// Latency:   REGISTER cycles for the comparisons, and one cycle for every stage of the search. Always flows.
// Widths:    totals and thresholds are signed and have TOTAL_BITS and THRESHOLD_BITS.
module mvtu_thresholds #(
	int unsigned  PE,
	int unsigned  ROWS,
	bit  SHARED,
	int unsigned  COUNT,
	int unsigned  TOTAL_BITS,
	int unsigned  THRESHOLD_BITS,
	int unsigned  CODE_BITS,
	int signed  OFFSET,
	int unsigned  PARALLEL,
	bit  REGISTER,
	parameter  FILE = "",
	localparam int unsigned  ROW_BITS = ROWS > 1? $clog2(ROWS) : 1
)(
	input	logic  clk,
	input	logic  rst,
	input	logic  valid,
	input	logic [ROW_BITS-1:0]  row,
	input	logic [PE-1:0][TOTAL_BITS-1:0]  total,
	output	logic  code_valid,
	output	logic [PE-1:0][CODE_BITS-1:0]  code
);
	localparam int unsigned  TOP_BITS = CODE_BITS < PARALLEL? CODE_BITS : PARALLEL;
	localparam int unsigned  LOW_BITS = CODE_BITS - TOP_BITS;
	localparam int unsigned  STAGES = (LOW_BITS + 1) / 2;
	localparam int unsigned  COLUMNS = SHARED? 1 : PE;
	typedef logic [COLUMNS-1:0][COUNT-1:0][THRESHOLD_BITS-1:0]  word_t;

	// Stage 0 holds the comparisons' result, stage n that of n steps of the search.
	logic [STAGES:0]  valids;
	logic [STAGES:0][ROW_BITS-1:0]  rows;
	logic [STAGES:0][PE-1:0][TOTAL_BITS-1:0]  totals;
	logic [STAGES:0][PE-1:0][CODE_BITS-1:0]  codes;
	assign	code_valid = valids[STAGES];

	logic [PE-1:0][2**TOP_BITS-1:0]  reached, Reached;
	if(REGISTER) begin : genRegister
		always_ff @(posedge clk) begin
			valids[0] <= valid && !rst;
			rows[0]   <= row;
			totals[0] <= total;
			Reached   <= reached;
		end
	end
	else begin : genDirect
		assign	valids[0] = valid;
		assign	rows[0]   = row;
		assign	totals[0] = total;
		assign	Reached   = reached;
	end

	word_t  thresholds;
	mvtu_rom #(.DEPTH(ROWS), .WIDTH($bits(word_t)), .FILE(FILE)) rom_i (.clk, .index(row), .word(thresholds));
	for(genvar  i = 0; i < PE; i++) begin : genChannel
		assign	reached[i][0] = 1;
		for(genvar  t = 1; t < 2**TOP_BITS; t++) begin : genCompare
			localparam int unsigned  K = (t << LOW_BITS) - 1;
			if(K >= COUNT)
				assign	reached[i][t] = 0;
			else begin
				mvtu_reached #(.CONSTANT(ROWS == 1), .TOTAL_BITS(TOTAL_BITS), .THRESHOLD_BITS(THRESHOLD_BITS)) compare_i (
					.total(total[i]), .threshold(thresholds[SHARED? 0 : i][K]), .reached(reached[i][t]));
			end
		end
		always_comb begin      // the comparisons are a thermometer: read its height bit by bit
			automatic logic [TOP_BITS-1:0]  height = 0;
			for(int  b = TOP_BITS-1; b >= 0; b--) begin
				automatic logic [TOP_BITS-1:0]  next = height | TOP_BITS'(1 << b);
				height[b] = Reached[i][next];
			end
			codes[0][i] = CODE_BITS'(height) << LOW_BITS;
		end
		assign	code[i] = codes[STAGES][i] + CODE_BITS'(OFFSET);
	end

	for(genvar  n = 0; n < STAGES; n++) begin : genSearch
		logic [PE-1:0][CODE_BITS-1:0]  Codes;
		always_ff @(posedge clk) begin
			valids[n+1] <= valids[n] && !rst;
			rows[n+1]   <= rows[n];
			totals[n+1] <= totals[n];
			Codes       <= codes[n];
		end
		word_t  table_word;
		mvtu_rom #(.DEPTH(ROWS), .WIDTH($bits(word_t)), .FILE(FILE)) rom_i (.clk, .index(rows[n+1]), .word(table_word));
		for(genvar  i = 0; i < PE; i++) begin : genChannel
			always_comb begin
				automatic logic [CODE_BITS-1:0]  found = Codes[i];
				for(int  b = int'(LOW_BITS) - 1 - 2*n; b >= 0 && b >= int'(LOW_BITS) - 2 - 2*n; b--) begin
					automatic logic [CODE_BITS-1:0]  next = found | CODE_BITS'(1 << b);
					if(32'(next) <= COUNT && signed'(totals[n+1][i]) >= signed'(table_word[SHARED? 0 : i][next - 1'b1]))
						found = next;
				end
				codes[n+1][i] = found;
			end
		end
	end
endmodule : mvtu_thresholds
