// Checks a stream: valid and data must stay until ready. A beat of 7F7F7F fails an assertion, on purpose.
module stream_monitor (input clk, input rst_n, input [23:0] tdata, input tvalid, input tready);
	logic Held = 0;
	logic [23:0] Data;
	always_ff @(posedge clk) begin
		Held <= rst_n && tvalid && !tready;
		Data <= tdata;
		if(rst_n && Held) assert(tvalid && tdata == Data) else $error("the stream broke its promise");
		if(rst_n && tvalid && tready) assert(tdata != 24'h7F7F7F) else $error("poisoned beat");
	end
endmodule
