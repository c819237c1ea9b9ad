// Watches an AXI4-Lite port, both sides of it: what is shown on a channel stays, unchanged, until it is taken; every
// access that was taken is answered once, with OKAY, and nothing else is.
module axil_checker #(
	int unsigned  AW
)(
	input	logic  clk,
	input	logic  rst_n,
	input	logic [AW-1:0]  awaddr,
	input	logic  awvalid,
	input	logic  awready,
	input	logic [31:0]  wdata,
	input	logic [ 3:0]  wstrb,
	input	logic  wvalid,
	input	logic  wready,
	input	logic [ 1:0]  bresp,
	input	logic  bvalid,
	input	logic  bready,
	input	logic [AW-1:0]  araddr,
	input	logic  arvalid,
	input	logic  arready,
	input	logic [31:0]  rdata,
	input	logic [ 1:0]  rresp,
	input	logic  rvalid,
	input	logic  rready
);
	stream_checker #(.W(AW)) aw_i (.clk, .rst_n, .tdata(awaddr), .tvalid(awvalid), .tready(awready));
	stream_checker #(.W(36)) w_i (.clk, .rst_n, .tdata({ wstrb, wdata }), .tvalid(wvalid), .tready(wready));
	stream_checker #(.W(2)) b_i (.clk, .rst_n, .tdata(bresp), .tvalid(bvalid), .tready(bready));
	stream_checker #(.W(AW)) ar_i (.clk, .rst_n, .tdata(araddr), .tvalid(arvalid), .tready(arready));
	stream_checker #(.W(34)) r_i (.clk, .rst_n, .tdata({ rresp, rdata }), .tvalid(rvalid), .tready(rready));

	// Taken and not answered yet
	int unsigned  Addresses, Data, Reads;
	always_ff @(posedge clk) begin
		if(!rst_n) begin
			Addresses <= 0;
			Data      <= 0;
			Reads     <= 0;
		end
		else begin
			if((awvalid && awready) != (bvalid && bready))   Addresses <= awvalid && awready? Addresses + 1 : Addresses - 1;
			if((wvalid  && wready)  != (bvalid && bready))   Data      <= wvalid  && wready?  Data + 1      : Data - 1;
			if((arvalid && arready) != (rvalid && rready))   Reads     <= arvalid && arready? Reads + 1     : Reads - 1;

			assert(!bvalid || (Addresses != 0 && Data != 0))  else $error("%m: a response to a write that was not made");
			assert(bvalid || Addresses == 0 || Data == 0)     else $error("%m: a write without a response");
			assert(!rvalid || Reads != 0)                     else $error("%m: an answer to a read that was not made");
			assert(!bvalid || bresp == 0)                     else $error("%m: a write was answered with an error");
			assert(!rvalid || rresp == 0)                     else $error("%m: a read was answered with an error");
		end
	end

endmodule : axil_checker
