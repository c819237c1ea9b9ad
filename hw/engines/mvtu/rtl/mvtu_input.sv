// Makes operands of SIMD codes out of input beats of LANES codes, and gives the same vector again for every pass.
//
// Handshake: `available` says that `operand` holds the next step's codes; `step` takes them. `last` marks the last step
//            of a pass, `final_pass` the pass after which the vector is not needed any more.
// Two forms: BUFFERED = 0: the operand is the beat on the input, held there until its last use. For LANES == SIMD, and
//            a vector of one beat or a single pass. Latency none; s_tready follows s_tvalid in the same cycle.
//            BUFFERED = 1: a ring of distributed RAM which holds two vectors, one being replayed and one arriving.
//            Latency 1 cycle; s_tready comes from registers.
// Widths:    LANES divides SIMD or is a multiple of it. The beat is padded to whole bytes.
module mvtu_input #(
	int unsigned  BEATS,
	int unsigned  PASSES,
	int unsigned  SIMD,
	int unsigned  LANES,
	int unsigned  BITS,
	bit  BUFFERED,
	localparam int unsigned  BEAT_WIDTH = (LANES*BITS + 7) / 8 * 8
)(
	input	logic  clk,
	input	logic  rst,

	input	logic [BEAT_WIDTH-1:0]  s_tdata,
	input	logic  s_tvalid,
	output	logic  s_tready,

	output	logic [SIMD-1:0][BITS-1:0]  operand,
	output	logic  available,
	input	logic  step,
	input	logic  last,
	input	logic  final_pass
);
	if(!BUFFERED) begin : genHold
		assign	operand = s_tdata[SIMD*BITS-1:0];
		assign	available = s_tvalid;
		assign	s_tready = step && final_pass;
	end
	else begin : genRing
		localparam int unsigned  BANKS = LANES < SIMD? SIMD/LANES : 1;  // input beats that make an operand
		localparam int unsigned  SHARE = LANES > SIMD? LANES/SIMD : 1;  // operands that an input beat makes
		localparam int unsigned  SLOTS = PASSES > 1? 2*BEATS/SHARE : 2; // operands, or beats of several, the ring holds
		localparam int unsigned  DEPTH_BITS = $clog2(SLOTS);
		localparam int unsigned  PART_BITS = SHARE > 1? $clog2(SHARE) : 1;
		localparam int unsigned  BANK_WIDTH = (SHARE > 1? LANES : SIMD/BANKS) * BITS;
		typedef logic [DEPTH_BITS:0]  pointer_t;                        // with a bit to tell full from empty

		pointer_t  Write = 0;   // slot that the next complete beats become
		pointer_t  Read = 0;    // slot of the next step
		pointer_t  Base = 0;    // oldest slot that is still needed: where a replay begins
		logic [PART_BITS-1:0]  Part = 0;    // which operand of its slot the next step takes
		logic [BANKS-1:0]  Bank = 1;

		logic  full, put, used;
		assign	full = Write == (Base ^ pointer_t'(1 << DEPTH_BITS));
		assign	put = s_tvalid && !full;
		assign	s_tready = !full;
		assign	available = Read != Write;
		assign	used = step && (SHARE == 1 || Part == PART_BITS'(SHARE - 1));    // with the last operand of a slot

		always_ff @(posedge clk) begin
			if(rst) begin
				Write <= 0;
				Read  <= 0;
				Base  <= 0;
				Part  <= 0;
				Bank  <= 1;
			end
			else begin
				if(put) begin
					Bank <= BANKS'({Bank, Bank[BANKS-1]});
					if(Bank[BANKS-1])  Write <= Write + 1'b1;
				end
				if(step)  Part <= used? '0 : Part + 1'b1;
				if(used) begin
					Read <= last && !final_pass? Base : Read + 1'b1;
					if(final_pass)  Base <= Base + 1'b1;
				end
			end
		end

		logic [BANKS-1:0][BANK_WIDTH-1:0]  words;
		for(genvar  b = 0; b < BANKS; b++) begin : genBank
			(* ram_style = "distributed" *)
			logic [BANK_WIDTH-1:0]  ring[2**DEPTH_BITS];
			always_ff @(posedge clk) begin
				if(put && Bank[b])  ring[Write[DEPTH_BITS-1:0]] <= s_tdata[BANK_WIDTH-1:0];
			end
			assign	words[b] = ring[Read[DEPTH_BITS-1:0]];
		end
		if(SHARE == 1)  assign  operand = words;
		else            assign  operand = words[0][Part*SIMD*BITS +: SIMD*BITS];
	end
endmodule : mvtu_input
