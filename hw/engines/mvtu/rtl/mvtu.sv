// The matrix-vector-threshold unit: a quantised layer with its weights in ROM, from AXI-Stream to AXI-Stream.
//
//   input ── operand ─┬─ dot products ── accumulator ── thresholds ── queue
//   sequencer ─ index ┴─ weight ROM ┘
//
// Folding: PE channels and SIMD inputs at once; a vector takes (MW/SIMD)*(MH/PE) steps, one a cycle.
// Handshake: the pipeline behind the sequencer never waits (see mvtu_sequencer); both streams may stall at any time, and
//            nothing combinational leads from m_tready to s_tready.
// Fan-out: what steers every channel, the number of the weight word and the flags of a step, comes from a register for
//          each GROUP of channels. The copies are marked `dont_touch`, or synthesis would make one of them again.
// Latency: an output leaves 1 + OPERAND_REGISTER + (registers in the sum) + TOTAL_REGISTER + (those in the thresholds)
//          cycles after the last step of its pass; a replay buffer (BUFFERED) adds one cycle between an input beat and its step.
// Widths: codes of INPUT_BITS come in beats of LANES, codes (or accumulators, without THRESHOLDS) of OUTPUT_BITS leave in
//         beats of PE, both padded to bytes. Weights are signed. ACCUMULATOR_BITS hold every accumulator with its bias.
// PRODUCTS: "tables" for few steps, "digits" for many (both look-up tables), or "dsp": see the modules of these names.
// Memory images, one word a line: WEIGHTS [step][pe][simd]; BIASES [pass][pe] with FRACTION bits below the point;
//         THRESHOLD_TABLE [pass or 1][pe or 1][COUNT].
module mvtu #(
	int unsigned  MW,
	int unsigned  MH,
	int unsigned  PE,
	int unsigned  SIMD,
	int unsigned  LANES,

	int unsigned  WEIGHT_BITS,
	int unsigned  INPUT_BITS,
	bit  INPUT_SIGNED,
	int unsigned  ACCUMULATOR_BITS,
	int unsigned  OUTPUT_BITS,

	int unsigned  BIAS_BITS,
	int unsigned  FRACTION,
	int unsigned  THRESHOLDS,
	int unsigned  THRESHOLD_BITS,
	bit  SHARED,
	int signed  OFFSET,

	parameter  PRODUCTS = "digits",
	parameter  WEIGHT_STYLE = "logic",
	bit  BUFFERED,
	int unsigned  CHAIN,
	bit  OPERAND_REGISTER,
	int unsigned  SUM_REGISTERS,
	bit  TOTAL_REGISTER,
	bit  THRESHOLD_REGISTER,
	int unsigned  PARALLEL,
	int unsigned  QUEUE,
	bit  QUEUE_REGISTER,
	int unsigned  GROUP,

	parameter  WEIGHTS = "",
	parameter  BIASES = "",
	parameter  THRESHOLD_TABLE = "",

	localparam int unsigned  INPUT_WIDTH  = (LANES*INPUT_BITS + 7) / 8 * 8,
	localparam int unsigned  OUTPUT_WIDTH = (PE*OUTPUT_BITS + 7) / 8 * 8
)(
	input	logic  ap_clk,
	input	logic  ap_rst_n,

	input	logic [INPUT_WIDTH-1:0]  s_tdata,
	input	logic  s_tvalid,
	output	logic  s_tready,

	output	logic [OUTPUT_WIDTH-1:0]  m_tdata,
	output	logic  m_tvalid,
	input	logic  m_tready
);
	localparam int unsigned  BEATS  = MW / SIMD;
	localparam int unsigned  PASSES = MH / PE;
	localparam int unsigned  STEPS  = BEATS * PASSES;
	localparam int unsigned  INDEX_BITS = STEPS > 1? $clog2(STEPS) : 1;
	localparam int unsigned  PASS_BITS  = PASSES > 1? $clog2(PASSES) : 1;

	localparam int unsigned  WIDTH = ACCUMULATOR_BITS;
	localparam int unsigned  BITS_A_ROW = $clog2(STEPS) < 4? 5 - $clog2(STEPS) : 1;

	//- Steps and their operands ------------------------------------------
	logic  rst, available, step, first, last, final_pass, popped;
	logic [INDEX_BITS-1:0]  index, next;
	logic [SIMD-1:0][INPUT_BITS-1:0]  codes;
	assign	rst = !ap_rst_n;
	mvtu_sequencer #(.BEATS(BEATS), .PASSES(PASSES), .CREDITS(QUEUE)) sequencer_i (
		.clk(ap_clk), .rst, .available, .popped, .step, .index, .next, .first, .last, .final_pass);
	mvtu_input #(
		.BEATS(BEATS), .PASSES(PASSES), .SIMD(SIMD), .LANES(LANES), .BITS(INPUT_BITS), .BUFFERED(BUFFERED)
	) input_i (.clk(ap_clk), .rst, .s_tdata, .s_tvalid, .s_tready, .operand(codes), .available, .step, .last, .final_pass);

	typedef logic [PE-1:0][SIMD-1:0][WEIGHT_BITS-1:0]  weights_t;
	weights_t  weights;
	logic [SIMD-1:0][INPUT_BITS-1:0]  operand;
	for(genvar  g = 0; g < PE; g += GROUP) begin : genWeights
		logic [INDEX_BITS-1:0]  here;
		if(GROUP >= PE)  assign  here = index;
		else begin : genCopy
			(* dont_touch = "yes" *)
			logic [INDEX_BITS-1:0]  Index = 0;
			always_ff @(posedge ap_clk) begin
				if(rst)        Index <= 0;
				else if(step)  Index <= next;
			end
			assign	here = Index;
		end
		weights_t  word;
		mvtu_rom #(
			.DEPTH(STEPS), .WIDTH($bits(weights_t)), .FILE(WEIGHTS), .STYLE(WEIGHT_STYLE), .REGISTER(OPERAND_REGISTER)
		) rom_i (.clk(ap_clk), .index(here), .word);
		for(genvar  i = g; i < g + GROUP && i < PE; i++)  assign  weights[i] = word[i];
	end
	if(OPERAND_REGISTER)  always_ff @(posedge ap_clk)  operand <= codes;
	else                  assign  operand = codes;

	//- Dot products -------------------------------------------------------
	logic [PE-1:0][WIDTH-1:0]  sums;
	if(PRODUCTS == "tables") begin : genTables
		for(genvar  i = 0; i < PE; i++) begin : genPE
			mvtu_tables #(
				.SIMD(SIMD), .WEIGHT_BITS(WEIGHT_BITS), .INPUT_BITS(INPUT_BITS), .INPUT_SIGNED(INPUT_SIGNED),
				.BITS_A_ROW(BITS_A_ROW), .WIDTH(WIDTH), .CHAIN(CHAIN), .REGISTERS(SUM_REGISTERS)
			) dot_i (.clk(ap_clk), .weights(weights[i]), .operand, .sum(sums[i]));
		end
	end
	else if(PRODUCTS == "dsp") begin : genDsp
		for(genvar  i = 0; i < PE; i += 2) begin : genPair
			localparam int unsigned  OTHER = i+1 < PE? i+1 : i;
			logic [1:0][WIDTH-1:0]  both;
			mvtu_dsp #(
				.SIMD(SIMD), .WEIGHT_BITS(WEIGHT_BITS), .INPUT_BITS(INPUT_BITS), .INPUT_SIGNED(INPUT_SIGNED),
				.WIDTH(WIDTH), .CHAIN(CHAIN), .REGISTERS(SUM_REGISTERS)
			) dots_i (.clk(ap_clk), .weights({weights[OTHER], weights[i]}), .operand, .sums(both));
			assign	sums[i] = both[0];
			if(OTHER != i)  assign  sums[OTHER] = both[1];
		end
	end
	else begin : genDigits
		localparam int unsigned  MULTIPLE_BITS = INPUT_BITS + 3;
		logic [SIMD-1:0][MULTIPLE_BITS-1:0]  once, thrice, minus;
		mvtu_multiples #(.SIMD(SIMD), .INPUT_BITS(INPUT_BITS), .INPUT_SIGNED(INPUT_SIGNED)) multiples_i (
			.operand, .once, .thrice, .minus);
		for(genvar  i = 0; i < PE; i++) begin : genPE
			mvtu_digits #(
				.SIMD(SIMD), .WEIGHT_BITS(WEIGHT_BITS), .INPUT_BITS(INPUT_BITS), .INPUT_SIGNED(INPUT_SIGNED),
				.WIDTH(WIDTH), .CHAIN(CHAIN), .REGISTERS(SUM_REGISTERS)
			) dot_i (.clk(ap_clk), .weights(weights[i]), .once, .thrice, .minus, .sum(sums[i]));
		end
	end

	//- The step's flags, as late as its sum --------------------------------
	localparam int unsigned  DELAY = int'(OPERAND_REGISTER) + $countones(SUM_REGISTERS);
	logic [DELAY:0]  steps, firsts, lasts;
	assign	steps[0]  = step;
	assign	firsts[0] = first;
	assign	lasts[0]  = last;
	for(genvar  n = 0; n < DELAY; n++) begin : genDelay
		always_ff @(posedge ap_clk) begin
			steps [n+1] <= steps[n] && !rst;
			firsts[n+1] <= firsts[n];
			lasts [n+1] <= lasts[n];
		end
	end
	logic [PE-1:0]  channel_steps, channel_firsts;
	for(genvar  g = 0; g < PE; g += GROUP) begin : genFlags
		logic  step_here, first_here;
		if(GROUP >= PE) begin : genShared
			assign	step_here  = steps[DELAY];
			assign	first_here = firsts[DELAY];
		end
		else begin : genCopy
			(* dont_touch = "yes" *)
			logic  Step, First;
			always_ff @(posedge ap_clk) begin
				Step  <= steps[DELAY-1] && !rst;
				First <= firsts[DELAY-1];
			end
			assign	step_here  = Step;
			assign	first_here = First;
		end
		for(genvar  i = g; i < g + GROUP && i < PE; i++) begin : genChannel
			assign	channel_steps[i]  = step_here;
			assign	channel_firsts[i] = first_here;
		end
	end

	//- Totals, codes, the way out -------------------------------------------
	logic  total_valid, code_valid;
	logic [PASS_BITS-1:0]  pass;
	logic [PE-1:0][WIDTH+FRACTION-1:0]  totals;
	logic [PE-1:0][OUTPUT_BITS-1:0]  outputs;
	mvtu_accumulator #(
		.PE(PE), .BEATS(BEATS), .PASSES(PASSES), .WIDTH(WIDTH), .BIAS_BITS(BIAS_BITS), .FRACTION(FRACTION),
		.REGISTER(TOTAL_REGISTER), .BIASES(BIASES)
	) accumulator_i (
		.clk(ap_clk), .rst, .step(steps[DELAY]), .last(lasts[DELAY]), .steps(channel_steps), .firsts(channel_firsts),
		.sum(sums),
		.valid(total_valid), .pass, .total(totals));

	if(THRESHOLDS == 0) begin : genAccumulators
		assign	code_valid = total_valid;
		for(genvar  i = 0; i < PE; i++) begin : genPE
			assign	outputs[i] = OUTPUT_BITS'(signed'(totals[i]));
		end
	end
	else begin : genThresholds
		localparam int unsigned  TABLE_ROWS = SHARED? 1 : PASSES;
		localparam int unsigned  ROW_BITS = TABLE_ROWS > 1? $clog2(TABLE_ROWS) : 1;
		mvtu_thresholds #(
			.PE(PE), .ROWS(TABLE_ROWS), .SHARED(SHARED), .COUNT(THRESHOLDS), .TOTAL_BITS(WIDTH + FRACTION),
			.THRESHOLD_BITS(THRESHOLD_BITS), .CODE_BITS(OUTPUT_BITS), .OFFSET(OFFSET), .PARALLEL(PARALLEL),
			.REGISTER(THRESHOLD_REGISTER), .FILE(THRESHOLD_TABLE)
		) thresholds_i (
			.clk(ap_clk), .rst, .valid(total_valid), .row(ROW_BITS'(TABLE_ROWS > 1? pass : '0)), .total(totals),
			.code_valid, .code(outputs));
	end

	mvtu_queue #(.DEPTH(QUEUE), .WIDTH(PE*OUTPUT_BITS), .REGISTER(QUEUE_REGISTER)) queue_i (
		.clk(ap_clk), .rst, .put(code_valid), .data(outputs), .popped,
		.m_tdata(m_tdata[PE*OUTPUT_BITS-1:0]), .m_tvalid, .m_tready);
	if(OUTPUT_WIDTH > PE*OUTPUT_BITS)  assign  m_tdata[OUTPUT_WIDTH-1:PE*OUTPUT_BITS] = '0;
endmodule : mvtu
