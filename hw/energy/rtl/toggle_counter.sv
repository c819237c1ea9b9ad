// What the estimate of energy counts: the bits of `nets` that differ between one clock edge and the next or, with LEVEL,
// the bits that are set at an edge. What happens in between, glitches, is not seen. When the simulation ends, a line with
// the instance's path and its total is appended to toggles.txt.
module toggle_counter #(
	int unsigned  W,
	bit  LEVEL = 0
)(
	input	logic  clk,
	input	logic [W-1:0]  nets
);
	logic [W-1:0]  previous = '0;
	longint unsigned  total = 0;
	always_ff @(posedge clk) begin
		previous <= nets;
		total <= total + 64'($countones(LEVEL? nets : nets ^ previous));
	end

	int  file;
	final begin
		file = $fopen("toggles.txt", "a");
		$fdisplay(file, "%m %0d", total);
		$fclose(file);
	end

endmodule : toggle_counter
