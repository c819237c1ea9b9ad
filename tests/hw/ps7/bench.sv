// The plain top as the chip has it, with a model of the processing system that shows what Python drives.
// The order of the fields is in bench_tests.py.
module bench(
	input	logic  clk,
	input	logic  reset_n,
	input	logic [12+32+8+1+32+4+1+1 + 12+32+8+1+1-1:0]  drive,
	output	logic [2+12+2+1 + 1+12+32+2+1+1-1:0]  pins
);
	ps7_top top_i();
	assign	pins = top_i.ps7_i.pins;
endmodule : bench

module PS7(
	output	logic [3:0]  FCLKCLK, FCLKRESETN,
	input	logic [3:0]  FCLKCLKTRIGN,
	input	logic  FPGAIDLEN, MAXIGP0ACLK,
	output	logic [11:0]  MAXIGP0AWID, MAXIGP0ARID,
	output	logic [31:0]  MAXIGP0AWADDR, MAXIGP0ARADDR, MAXIGP0WDATA,
	output	logic [ 3:0]  MAXIGP0AWLEN, MAXIGP0ARLEN, MAXIGP0WSTRB,
	output	logic [ 1:0]  MAXIGP0AWSIZE, MAXIGP0ARSIZE, MAXIGP0AWBURST, MAXIGP0ARBURST,
	output	logic  MAXIGP0AWVALID, MAXIGP0WVALID, MAXIGP0BREADY, MAXIGP0ARVALID, MAXIGP0RREADY,
	input	logic [11:0]  MAXIGP0BID, MAXIGP0RID,
	input	logic [31:0]  MAXIGP0RDATA,
	input	logic [ 1:0]  MAXIGP0BRESP, MAXIGP0RRESP,
	input	logic  MAXIGP0AWREADY, MAXIGP0WREADY, MAXIGP0BVALID, MAXIGP0ARREADY, MAXIGP0RVALID, MAXIGP0RLAST
);
	logic [$bits(bench.pins)-1:0]  pins;
	assign	FCLKCLK = { 3'b0, bench.clk };
	assign	FCLKRESETN = { 3'b0, bench.reset_n };
	assign	{
		MAXIGP0AWID, MAXIGP0AWADDR, MAXIGP0AWLEN, MAXIGP0AWSIZE, MAXIGP0AWBURST, MAXIGP0AWVALID,
		MAXIGP0WDATA, MAXIGP0WSTRB, MAXIGP0WVALID, MAXIGP0BREADY,
		MAXIGP0ARID, MAXIGP0ARADDR, MAXIGP0ARLEN, MAXIGP0ARSIZE, MAXIGP0ARBURST, MAXIGP0ARVALID, MAXIGP0RREADY
	} = bench.drive;
	assign	pins = {
		MAXIGP0AWREADY, MAXIGP0WREADY, MAXIGP0BID, MAXIGP0BRESP, MAXIGP0BVALID,
		MAXIGP0ARREADY, MAXIGP0RID, MAXIGP0RDATA, MAXIGP0RRESP, MAXIGP0RLAST, MAXIGP0RVALID
	};
endmodule : PS7

module BUFG(input logic  I, output logic  O);
	assign	O = I;
endmodule : BUFG
