// Compute engine `lut`: a drop-in for the `mvu` module of FINN's RTL library, with plain multiplies.
//
// One dot-product step a cycle: PE rows, SIMD columns. No lane packing and no DSP slices, so that it fits any
// technology and is small at low bit widths. p[i] = sum of w[i][s]*a[s] over all steps up to and including `last`.
//
// Latency:   3 cycles of `en` from the step with `last` to `vld` with the sum in `p`. (The frame allows at least
//            4 + clog2(SIMD+1) results in flight, so a shorter pipeline is safe.)
// Handshake: `zero` makes the step count for nothing; `last` comes with a step that counts. `vld` is up for one
//            enabled cycle. The pipeline stands still without `en`.
// Widths:    weights are signed; activations are unsigned unless SIGNED_ACTIVATIONS; sums wrap at ACCU_WIDTH, which
//            the generator makes wide enough. VERSION, NARROW_WEIGHTS and FORCE_BEHAVIORAL only keep the interface.
module mvu #(
	int unsigned  VERSION = 1,

	int unsigned  PE,
	int unsigned  SIMD,
	int unsigned  WEIGHT_WIDTH,
	int unsigned  ACTIVATION_WIDTH,
	int unsigned  ACCU_WIDTH,

	bit  SIGNED_ACTIVATIONS = 0,
	bit  NARROW_WEIGHTS     = 0,
	bit  FORCE_BEHAVIORAL   = 0
)(
	input	logic  clk,
	input	logic  rst,
	input	logic  en,

	input	logic  last,
	input	logic  zero,
	input	logic signed [PE-1:0][SIMD-1:0][WEIGHT_WIDTH    -1:0]  w,
	input	logic                [SIMD-1:0][ACTIVATION_WIDTH-1:0]  a,

	output	logic  vld,
	output	logic signed [PE-1:0][ACCU_WIDTH-1:0]  p
);
	localparam int unsigned  PRODUCT_WIDTH = WEIGHT_WIDTH + ACTIVATION_WIDTH;
	localparam int unsigned  SUM_WIDTH     = PRODUCT_WIDTH + $clog2(SIMD);

	// The stage that holds the last step: 1 products, 2 their sum, 3 the accumulator
	logic [3:1]  Last = 0;
	always_ff @(posedge clk) begin
		if(rst)      Last <= 0;
		else if(en)  Last <= { Last[2:1], last };
	end
	assign	vld = Last[3];

	for(genvar  i = 0; i < PE; i++) begin : genPE

		logic signed [PRODUCT_WIDTH-1:0]  Product[SIMD];
		for(genvar  s = 0; s < SIMD; s++) begin : genSIMD
			logic signed [WEIGHT_WIDTH    -1:0]  ww;
			logic signed [ACTIVATION_WIDTH  :0]  aa;
			assign	ww = w[i][s];
			assign	aa = { SIGNED_ACTIVATIONS && a[s][ACTIVATION_WIDTH-1], a[s] };
			always_ff @(posedge clk) begin
				if(rst)      Product[s] <= 0;
				else if(en)  Product[s] <= zero? 0 : PRODUCT_WIDTH'(ww * aa);
			end
		end : genSIMD

		logic signed [SUM_WIDTH-1:0]  sum;
		always_comb begin
			sum = 0;
			foreach(Product[s])  sum += SUM_WIDTH'(Product[s]);
		end

		logic signed [SUM_WIDTH -1:0]  Sum = 0;
		logic signed [ACCU_WIDTH-1:0]  Acc = 0;
		always_ff @(posedge clk) begin
			if(rst) begin
				Sum <= 0;
				Acc <= 0;
			end
			else if(en) begin
				Sum <= sum;
				Acc <= ACCU_WIDTH'(Sum) + (Last[3]? ACCU_WIDTH'(0) : Acc);
			end
		end
		assign	p[i] = Acc;

	end : genPE

endmodule : mvu
