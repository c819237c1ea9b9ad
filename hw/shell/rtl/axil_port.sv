// AXI4-Lite slave port: turns the five channels into one registered write strobe and one read request.
//
// Writes: AW and W are taken on their own, in any order. `wr` is high for one cycle, the cycle after the later of the
//         two; the response is given then, and the next write is taken when the response is.
// Reads:  `rd` rises with the address in `rd_addr` and stays up until the core answers with `rd_ack` and
//         `rd_data` in the same cycle; the core may take as long as it wants. One read at a time.
// Reads and writes are independent of each other. Every access is answered OKAY. No output depends on an input of
// the bus within a cycle, as AXI demands.
module axil_port #(
	int unsigned  AW = 12    // address width, bytes
)(
	input	logic  clk,
	input	logic  rst_n,

	// AXI4-Lite
	input	logic [AW-1:0]  awaddr,
	input	logic  awvalid,
	output	logic  awready,
	input	logic [31:0]  wdata,
	input	logic [ 3:0]  wstrb,
	input	logic  wvalid,
	output	logic  wready,
	output	logic  bvalid,
	input	logic  bready,
	input	logic [AW-1:0]  araddr,
	input	logic  arvalid,
	output	logic  arready,
	output	logic [31:0]  rdata,
	output	logic  rvalid,
	input	logic  rready,

	// Core
	output	logic  wr,
	output	logic [AW-1:2]  wr_addr,    // word address
	output	logic [31:0]  wr_data,
	output	logic [ 3:0]  wr_strb,
	output	logic  rd,
	output	logic [AW-1:2]  rd_addr,    // word address
	input	logic  rd_ack,
	input	logic [31:0]  rd_data
);
	logic  HasAddr, HasData;
	assign	awready = !HasAddr;
	assign	wready  = !HasData;
	assign	bvalid  = HasAddr && HasData;

	always_ff @(posedge clk) begin
		if(awready)  wr_addr <= awaddr[AW-1:2];
		if(wready) begin
			wr_data <= wdata;
			wr_strb <= wstrb;
		end
		if(!rst_n) begin
			wr      <= 0;
			HasAddr <= 0;
			HasData <= 0;
		end
		else begin
			wr      <= !bvalid && (HasAddr || awvalid) && (HasData || wvalid);
			HasAddr <= bvalid? !bready : HasAddr || awvalid;
			HasData <= bvalid? !bready : HasData || wvalid;
		end
	end

	assign	arready = !rd && !rvalid;

	always_ff @(posedge clk) begin
		if(arvalid && arready)  rd_addr <= araddr[AW-1:2];
		if(rd && rd_ack)        rdata   <= rd_data;
		if(!rst_n) begin
			rd     <= 0;
			rvalid <= 0;
		end
		else begin
			rd     <= (arvalid && arready) || (rd && !rd_ack);
			rvalid <= (rd && rd_ack) || (rvalid && !rready);
		end
	end

endmodule : axil_port
