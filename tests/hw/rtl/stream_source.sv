// Sends COUNT beats from FILE, in vectors of BEATS: a vector begins once `go` is up. Valid and data stay until ready.
module stream_source #(
	int unsigned  WIDTH,
	int unsigned  COUNT,
	int unsigned  BEATS,
	parameter  FILE
)(
	input	logic  clk,
	input	logic  rst_n,
	input	logic  go,
	output	logic [WIDTH-1:0]  tdata,
	output	logic  tvalid,
	input	logic  tready
);
	logic [WIDTH-1:0]  memory[COUNT];
	initial $readmemh(FILE, memory);

	int unsigned  Index = 0;
	int unsigned  Beat = 0;
	logic  Started = 0;
	assign	tdata = memory[Index];
	assign	tvalid = Started && Index != COUNT;

	always_ff @(posedge clk) begin
		if(!rst_n) begin
			Index <= 0;
			Beat <= 0;
			Started <= 0;
		end
		else if(tvalid && tready) begin
			Index <= Index + 1;
			Beat <= Beat == BEATS - 1? 0 : Beat + 1;
			Started <= Beat != BEATS - 1 || go;
		end
		else if(go)  Started <= 1;
	end
endmodule : stream_source
