// A read-only memory, filled from FILE: one word a line, in hexadecimal.
//
// Latency: none, or one cycle with REGISTER, which a block RAM needs. Reads in every cycle.
// Style:   "logic" (look-up tables) or "block". Left to itself, synthesis moves registered ROMs to block RAM.
module mvtu_rom #(
	int unsigned  DEPTH,
	int unsigned  WIDTH,
	parameter  FILE = "",
	parameter  STYLE = "logic",
	bit  REGISTER = 0,
	localparam int unsigned  INDEX_BITS = DEPTH > 1? $clog2(DEPTH) : 1
)(
	input	logic  clk,
	input	logic [INDEX_BITS-1:0]  index,
	output	logic [WIDTH-1:0]  word
);
	(* rom_style = STYLE *)
	logic [WIDTH-1:0]  rom[DEPTH];
	initial $readmemh(FILE, rom);

	logic [WIDTH-1:0]  read;
	if(DEPTH == 1)  assign  read = rom[0];
	else            assign  read = rom[index];

	if(REGISTER) begin : genRegister
		always_ff @(posedge clk)  word <= read;
	end
	else begin : genDirect
		assign	word = read;
	end
endmodule : mvtu_rom
