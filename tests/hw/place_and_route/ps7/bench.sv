// The plain top as the chip has it; its processing system shows what Python drives.
// The order of the fields is in bench_tests.py and ../rtl/ps7.sv.
module bench(
	input	logic  clk,
	input	logic  reset_n,
	input	logic [12+32+8+1+32+4+1+1 + 12+32+8+1+1-1:0]  drive,
	output	logic [2+12+2+1 + 1+12+32+2+1+1-1:0]  pins
);
	ps7_top top_i();
	assign	top_i.ps7_i.clk = clk;
	assign	top_i.ps7_i.reset_n = reset_n;
	assign	top_i.ps7_i.drive = drive;
	assign	pins = top_i.ps7_i.pins;
endmodule : bench
