// Results that wait to leave: a queue of distributed RAM.
//
// Handshake: `put` must only come when there is room, which the sequencer's credits see to. `popped` says that a result
//            leaves in this cycle. The data on the output stays while it is valid and not taken.
// Latency:   1 cycle from `put` to m_tvalid. Widths: DEPTH is a power of two, at least 2.
module mvtu_queue #(
	int unsigned  DEPTH,
	int unsigned  WIDTH
)(
	input	logic  clk,
	input	logic  rst,

	input	logic  put,
	input	logic [WIDTH-1:0]  data,
	output	logic  popped,

	output	logic [WIDTH-1:0]  m_tdata,
	output	logic  m_tvalid,
	input	logic  m_tready
);
	localparam int unsigned  ADDRESS_BITS = $clog2(DEPTH);
	logic [ADDRESS_BITS:0]  Write = 0;
	logic [ADDRESS_BITS:0]  Read = 0;

	(* ram_style = "distributed" *)
	logic [WIDTH-1:0]  queue[DEPTH];
	always_ff @(posedge clk)  if(put)  queue[Write[ADDRESS_BITS-1:0]] <= data;

	assign	m_tdata = queue[Read[ADDRESS_BITS-1:0]];
	assign	m_tvalid = Write != Read;
	assign	popped = m_tvalid && m_tready;

	always_ff @(posedge clk) begin
		if(rst) begin
			Write <= 0;
			Read  <= 0;
		end
		else begin
			Write <= Write + (ADDRESS_BITS+1)'(put);
			Read  <= Read + (ADDRESS_BITS+1)'(popped);
		end
	end
endmodule : mvtu_queue
