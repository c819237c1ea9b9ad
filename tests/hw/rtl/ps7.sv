// The pins of Xilinx' PS7 that a design here may use, and of BUFG; what they do is not modelled.
/* verilator lint_off UNDRIVEN */
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
endmodule : PS7

module BUFG(input logic  I, output logic  O);
	assign	O = I;
endmodule : BUFG
