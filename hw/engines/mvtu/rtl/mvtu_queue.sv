// Results that wait to leave: a queue of distributed RAM, with REGISTER behind a register.
//
// The register gives the next unit's products a signal that may start anywhere on the chip. It costs no time: a result
// that finds the queue empty goes straight into it.
// Handshake: `put` must only come when there is room, which the sequencer's credits see to. `popped` says that a result
//            leaves in this cycle. The data on the output stays while it is valid and not taken.
// Latency:   1 cycle from `put` to m_tvalid. Widths: DEPTH is a power of two, at least 2, and does not count the register.
module mvtu_queue #(
	int unsigned  DEPTH,
	int unsigned  WIDTH,
	bit  REGISTER = 0
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

	logic  write, read, waiting;
	assign	waiting = Write != Read;
	(* ram_style = "distributed" *)
	logic [WIDTH-1:0]  queue[DEPTH];
	always_ff @(posedge clk)  if(write)  queue[Write[ADDRESS_BITS-1:0]] <= data;

	assign	popped = m_tvalid && m_tready;
	if(!REGISTER) begin : genDirect
		assign	write = put;
		assign	read = popped;
		assign	m_tdata = queue[Read[ADDRESS_BITS-1:0]];
		assign	m_tvalid = waiting;
	end
	else begin : genRegister
		logic  Valid = 0;
		logic [WIDTH-1:0]  Data;
		logic  free;
		assign	free = !Valid || m_tready;
		assign	read = free && waiting;
		assign	write = put && !(free && !waiting);
		always_ff @(posedge clk) begin
			Valid <= !rst && (!free || waiting || put);
			if(free)  Data <= waiting? queue[Read[ADDRESS_BITS-1:0]] : data;
		end
		assign	m_tdata = Data;
		assign	m_tvalid = Valid;
	end

	always_ff @(posedge clk) begin
		if(rst) begin
			Write <= 0;
			Read  <= 0;
		end
		else begin
			Write <= Write + (ADDRESS_BITS+1)'(write);
			Read  <= Read + (ADDRESS_BITS+1)'(read);
		end
	end
endmodule : mvtu_queue
