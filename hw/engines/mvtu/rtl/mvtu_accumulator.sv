// Adds up the sums of a pass, beginning with the channel's bias, for PE channels side by side.
//
// The bias has FRACTION bits below the binary point. The accumulator holds what is above; the fraction of an integer
// plus the bias is the bias' own, so it is only put underneath in the end.
// Handshake: `step` brings a sum, `firsts` and `last` mark the pass. Without BIAS_BITS passes begin with 0.
// Latency:   1 cycle from the step with `last` to `valid`, which lasts one cycle; `total` then holds until the next step.
//            None without REGISTER, which passes of several steps need.
// Widths:    sums count modulo 2^WIDTH, which holds the final value of every channel; `total` has FRACTION bits more.
module mvtu_accumulator #(
	int unsigned  PE,
	int unsigned  BEATS,
	int unsigned  PASSES,
	int unsigned  WIDTH,
	int unsigned  BIAS_BITS,
	int unsigned  FRACTION,
	bit  REGISTER,
	parameter  BIASES = "",
	localparam int unsigned  PASS_BITS = PASSES > 1? $clog2(PASSES) : 1
)(
	input	logic  clk,
	input	logic  rst,
	input	logic  step,
	input	logic  last,
	input	logic [PE-1:0]  steps,      // of each channel: `step` and `first`, in copies
	input	logic [PE-1:0]  firsts,
	input	logic [PE-1:0][WIDTH-1:0]  sum,
	output	logic  valid,
	output	logic [PASS_BITS-1:0]  pass,
	output	logic [PE-1:0][WIDTH+FRACTION-1:0]  total
);
	logic [PASS_BITS-1:0]  Pass = 0;        // the pass of the present step
	always_ff @(posedge clk) begin
		if(rst)                Pass <= 0;
		else if(step && last)  Pass <= Pass == PASS_BITS'(PASSES - 1)? '0 : Pass + 1'b1;
	end

	logic [PE-1:0][WIDTH-1:0]  start;
	logic [PE-1:0][WIDTH-1:0]  whole;       // of the total
	if(REGISTER) begin : genRegister
		logic  Valid = 0;
		logic [PASS_BITS-1:0]  TotalPass = 0;
		always_ff @(posedge clk) begin
			Valid <= step && last && !rst;
			TotalPass <= Pass;
		end
		assign	valid = Valid;
		assign	pass = TotalPass;
		for(genvar  i = 0; i < PE; i++) begin : genChannel
			logic [WIDTH-1:0]  Total;
			if(BEATS == 1)
				always_ff @(posedge clk)  Total <= sum[i] + start[i];
			else
				always_ff @(posedge clk)  if(steps[i])  Total <= sum[i] + (firsts[i]? start[i] : Total);
			assign	whole[i] = Total;
		end
	end
	else begin : genDirect
		assign	valid = step;
		assign	pass = Pass;
		for(genvar  i = 0; i < PE; i++) begin : genChannel
			assign	whole[i] = sum[i] + start[i];
		end
	end

	if(BIAS_BITS == 0) begin : genNoBias
		assign	start = '0;
		assign	total = whole;
	end
	else begin : genBias
		logic [PE-1:0][BIAS_BITS-1:0]  here, there;
		mvtu_rom #(.DEPTH(PASSES), .WIDTH(PE*BIAS_BITS), .FILE(BIASES)) start_i (.clk, .index(Pass), .word(here));
		mvtu_rom #(.DEPTH(PASSES), .WIDTH(PE*BIAS_BITS), .FILE(BIASES)) fraction_i (
			.clk, .index(pass), .word(there));
		for(genvar  i = 0; i < PE; i++) begin : genChannel
			assign	start[i] = WIDTH'(signed'(here[i]) >>> FRACTION);
			if(FRACTION == 0)  assign  total[i] = whole[i];
			else               assign  total[i] = {whole[i], there[i][FRACTION-1:0]};
		end
	end
endmodule : mvtu_accumulator
