// Decides in which cycles the unit makes a step, and which step it is.
//
// A step multiplies SIMD inputs with PE rows of weights. A vector takes PASSES x BEATS of them: one pass makes PE
// outputs, in BEATS steps. Steps are numbered by `index`, which addresses the weight ROM; `next` follows it after a step.
//
// Handshake: a step happens in every cycle with an operand (`available`), except that a pass only begins when the
//            output queue will have room for its result: CREDITS is the queue's depth, `popped` says that a result
//            has left it. So nothing behind this module ever has to wait, and no enable fans out over the pipeline.
// Latency:   none; `step`, `first`, `last` (of the pass) and `final_pass` belong to the present cycle.
module mvtu_sequencer #(
	int unsigned  BEATS,
	int unsigned  PASSES,
	int unsigned  CREDITS,
	localparam int unsigned  STEPS = BEATS * PASSES,
	localparam int unsigned  INDEX_BITS = STEPS > 1? $clog2(STEPS) : 1
)(
	input	logic  clk,
	input	logic  rst,
	input	logic  available,
	input	logic  popped,
	output	logic  step,
	output	logic [INDEX_BITS-1:0]  index,
	output	logic [INDEX_BITS-1:0]  next,
	output	logic  first,
	output	logic  last,
	output	logic  final_pass
);
	localparam int unsigned  BEAT_BITS = BEATS > 1? $clog2(BEATS) : 1;
	localparam int unsigned  CREDIT_BITS = $clog2(CREDITS + 1);

	logic [CREDIT_BITS-1:0]  Credits = CREDITS;
	logic [INDEX_BITS -1:0]  Index = 0;
	logic [BEAT_BITS  -1:0]  Beat = 0;

	assign	first = Beat == 0;
	assign	last  = Beat == BEAT_BITS'(BEATS - 1);
	assign	index = Index;
	assign	next = Index == INDEX_BITS'(STEPS - 1)? '0 : Index + 1'b1;
	assign	final_pass = PASSES == 1 || Index >= INDEX_BITS'(STEPS - BEATS);
	assign	step = available && (!first || Credits != 0);

	always_ff @(posedge clk) begin
		if(rst) begin
			Credits <= CREDITS;
			Index <= 0;
			Beat  <= 0;
		end
		else begin
			Credits <= Credits - CREDIT_BITS'(step && first) + CREDIT_BITS'(popped);
			if(step) begin
				Index <= next;
				Beat  <= last? '0 : Beat + 1'b1;
			end
		end
	end
endmodule : mvtu_sequencer
