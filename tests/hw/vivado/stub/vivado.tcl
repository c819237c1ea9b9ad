# A stand-in for Vivado in tclsh: every command is declared with its options, keeps a model of project and block
# design, and fails as the tool would: unknown command or option, missing file, pin or interface, address overlap.
namespace eval V {
    variable project {} part {} board {} design {} files {} core {} segments {} mode ""
    array set property {}      ;# object,name -> value
    array set cell {}          ;# path -> hier | mod:NAME | ip:VLNV
    array set pin {}           ;# path -> I | O
    array set bus {}           ;# path -> {Master|Slave axis|aximm|other address-width}
    array set port {}          ;# of the design: name -> I | O
    array set busport {}       ;# name -> as bus
    array set inside {}        ;# name of such a port -> the bus of a cell that it leads to
    array set parent {}        ;# of a pin in the tree of its net
    array set driver {}        ;# root of a net -> the output on it
    array set joined {}        ;# interface -> count
    array set catalogue {}     ;# VLNV -> {pins buses segment}
    if {[info exists ::env(QUARL_STUB)]} { set mode $::env(QUARL_STUB) }
}
namespace eval ipx {}
proc V::path {text} { string trimleft $text / }

set V::here [file dirname [file normalize [info script]]]
source $V::here/declare.tcl

# ---- catalogue: the vendor's cores as FINN+'s shell uses them
set V::catalogue(xilinx.com:ip:processing_system7:5.5) {
    {FCLK_CLK0 O FCLK_RESET0_N O S_AXI_HP0_ACLK I M_AXI_GP0_ACLK I}
    {M_AXI_GP0 {Master aximm 32} S_AXI_HP0 {Slave aximm 32}} {}}
set V::catalogue(xilinx.com:ip:zynq_ultra_ps_e:3.5) {
    {pl_clk0 O pl_resetn0 O saxihp0_fpd_aclk I maxihpm0_fpd_aclk I}
    {M_AXI_HPM0_FPD {Master aximm 40} M_AXI_HPM1_FPD {Master aximm 40}} {}}
set V::catalogue(xilinx.com:ip:smartconnect:1.0) {{aclk I aresetn I} {} {}}
set V::catalogue(xilinx.com:ip:axi_interconnect:2.1) {
    {ACLK I ARESETN I S00_ACLK I S00_ARESETN I} {S00_AXI {Slave aximm 32}} {}}
set V::catalogue(xilinx.com:ip:clk_wiz:6.0) {{clk_in1 I clk_out1 O locked O resetn I} {} {}}
set V::catalogue(xilinx.com:ip:proc_sys_reset:5.0) {
    {slowest_sync_clk I ext_reset_in I aux_reset_in I dcm_locked I interconnect_aresetn O peripheral_aresetn O} {} {}}
set V::catalogue(xilinx.com:ip:axi_gpio:2.0) {
    {s_axi_aclk I s_axi_aresetn I gpio_io_o O} {S_AXI {Slave aximm 9}} Reg}
proc V::scan {folder} {
    foreach file [glob -nocomplain $folder/component.xml $folder/*/component.xml] {
        set stream [open $file]; set text [read $stream]; close $stream
        if {[regexp {<stub vlnv="([^"]*)">(.*)</stub>} $text -> vlnv content]} { set V::catalogue($vlnv) $content }
    }
}

# ---- projects, files, properties
declare create_project {-part 1 -force 0} 2 2 {
    lassign $words name folder
    if {![dict exists $o -part] || ![regexp {^xc} [dict get $o -part]]} { V::fail "\[Coretcl 2-106\] no such part" }
    if {[file exists $folder/$name.xpr] && ![dict exists $o -force]} { V::fail "\[Coretcl 2-27\] project exists" }
    file mkdir $folder
    set V::project [list $name [file normalize $folder]]
    set V::part [dict get $o -part]
    set V::property(project,ip_repo_paths) {}
    close [open $folder/$name.xpr w]
}
declare close_project {} 0 0 {}
declare current_project {} 0 0 { if {$V::project eq ""} { V::fail "no open project" }; return project }
declare current_fileset {} 0 0 { return fileset:sources_1 }
declare get_filesets {} 1 1 { return fileset:[lindex $words 0] }
declare set_msg_config {-id 1 -suppress 0} 0 0 {}
declare get_param {} 1 1 { return {} }
declare set_param {} 2 2 {}
declare update_compile_order {-fileset 1} 0 0 {}
declare add_files {-norecurse 0} 1 1 {
    foreach file [lindex $words 0] {
        # Since 2020.1 a wrapper is in .gen, and the path in .srcs finds it.
        if {[regexp {_wrapper\.v$} $file] && ![file exists $file]} { set file [string map {.srcs/ .gen/} $file] }
        if {![file isfile $file]} { V::fail "\[Vivado 12-172\] File or Directory '$file' does not exist" }
        if {[file normalize $file] ni $V::files} { lappend V::files [file normalize $file] }
    }
}
declare update_ip_catalog {-rebuild 0 -scan_changes 0} 0 0 {
    foreach folder $V::property(project,ip_repo_paths) { V::scan $folder }
}
declare get_ipdefs {-all 0 -filter 1} 0 1 {
    set pattern [lindex $words 0]
    if {[dict exists $o -filter] && [regexp {NAME == (\w+)} [dict get $o -filter] -> name]} {
        set pattern xilinx.com:ip:$name:*
    }
    set found [lsort [array names V::catalogue $pattern]]
    if {$found eq ""} { V::fail "\[Coretcl 2-1134\] no IP matches $pattern" }
    return vlnv:[lindex $found end]
}
declare get_property {-quiet 0} 2 2 {
    lassign $words name object
    if {$name eq "VLNV"} { return [string range $object 5 end] }
    if {$name eq "CONFIG.ADDR_WIDTH"} { return [lindex $V::bus([string range $object 4 end]) 2] }
    if {$name eq "NAME"} { return [lindex [split $object :] end] }
    if {$name eq "BOARD_PART_REPO_PATHS" && ![info exists V::property($object,$name)]} { return {} }
    if {![info exists V::property($object,$name)]} { V::fail "no property $name of $object" }
    return $V::property($object,$name)
}
declare set_property {-dict 1} 1 3 {
    if {[dict exists $o -dict]} { set pairs [dict get $o -dict]; set objects [lindex $words 0]
    } else { if {[llength $words] != 3} { V::fail "set_property takes name, value, objects" }
        set pairs [lrange $words 0 1]; set objects [lindex $words 2] }
    if {$objects eq ""} { V::fail "\[Common 17-55\] 'set_property' expects at least one object" }
    foreach object $objects { foreach {name value} $pairs { V::set_one $object $name $value } }
}
proc V::set_one {object name value} {
    set V::property($object,$name) $value
    switch $name {
        ip_repo_paths { foreach folder $value { if {![file isdir $folder]} { V::fail "no folder $folder" } } }
        board_part {
            if {![regexp {^[^:]+:([^:]+):part0:[\d.]+$} $value -> board]} { V::fail "no board part $value" }
            set found 0
            foreach folder $V::property(project,BOARD_PART_REPO_PATHS) {
                foreach file [glob -nocomplain $folder/*/board.xml $folder/*/*/board.xml] {
                    set stream [open $file]; incr found [regexp "name=\"$board\"" [read $stream]]; close $stream
                }
            }
            if {!$found} { V::fail "\[Board 49-71\] The board_part definition was not found for $value." }
            set V::board $value
        }
        name { V::rename_port $object $value }
        top { if {[string match *_wrapper $value] || $value eq "instrumentation_wrapper"} { V::module_file $value } }
        CONFIG.PSU__USE__S_AXI_GP2 { set V::bus(zynq_ps/S_AXI_HP0_FPD) {Slave aximm 49} }
        CONFIG.PSU__USE__M_AXI_GP1 { array unset V::bus zynq_ps/M_AXI_HPM1_FPD }
        CONFIG.NUM_SI { for {set i 0} {$i < $value} {incr i} {
            set V::bus([string range $object 5 end]/[format S%02d_AXI $i]) {Slave aximm 32} }
            set V::bus([string range $object 5 end]/M00_AXI) {Master aximm 32} }
        CONFIG.NUM_MI { for {set i 0} {$i < $value} {incr i} {
            set path [string range $object 5 end]
            set V::bus($path/[format M%02d_AXI $i]) {Master aximm 32}
            set V::pin($path/[format M%02d_ACLK $i]) I; set V::pin($path/[format M%02d_ARESETN $i]) I } }
    }
}
proc V::rename_port {object name} {
    lassign [split $object :] kind old
    foreach table {port busport inside} {
        if {$kind eq $table || $kind eq "busport" && $table eq "inside"} {
            set V::${table}($name) [set V::${table}($old)]; unset V::${table}($old) }
    }
}

# ---- Verilog modules: their ports, and the files that they read
proc V::module_file {name} {
    foreach file $V::files {
        if {[file extension $file] ni {.v .sv}} continue
        set stream [open $file]; set text [read $stream]; close $stream
        regsub -all {/\*.*?\*/|//[^\n]*} $text {} text
        if {![regexp "\\mmodule\\s+$name\\M" $text]} continue
        if {[file extension $file] eq ".sv"} { V::fail "\[filemgmt 56-195\] The top $name is SystemVerilog: $file" }
        foreach {whole image} [regexp -all -inline {"([^"\s]+\.dat)"} $text] {
            if {![file isfile $image]} { V::fail "\[Synth 8-4445\] could not open \$readmem data file '$image'" }
        }
        return $text
    }
    V::fail "\[BD 5-683\] module $name is in none of the files"
}
proc V::module {name} {      ;# {pins buses}: streams and AXI4-Lite by their ports' names
    regexp "\\mmodule\\s+$name\\M.*?;" [V::module_file $name] head
    regsub -all {\(\*.*?\*\)} $head {} head
    set pins {}; set buses {}
    foreach {whole direction range port} \
        [regexp -all -inline {\m(input|output)\M\s*(?:wire|reg|logic)?\s*(\[[^\]]*\])?\s*(\w+)} $head] {
        set way [string toupper [string index $direction 0]]
        if {[regexp -nocase {^(.*)_tvalid$} $port -> stem]} {
            dict set buses $stem [list [expr {$way eq "O" ? "Master" : "Slave"}] axis 0]
        } elseif {[regexp -nocase {^(.*)_t(data|ready|last|keep)$} $port]} {
        } elseif {[regexp {^(s_axi\w*)_awaddr$} $port -> stem]} {
            dict set buses $stem [list Slave aximm [expr "[lindex [split $range {[:}] 1] + 1"]]
        } elseif {![regexp {^s_axi\w*_(aw|ar|w|r|b)\w+$} $port]} { dict set pins $port $way }
    }
    return [list $pins $buses]
}

# ---- block design
proc V::fill {path content} {
    lassign $content pins buses
    dict for {name way} $pins { set V::pin($path/$name) $way }
    dict for {name kind} $buses { set V::bus($path/$name) $kind }
}
declare create_bd_design {} 1 1 {
    set V::design [lindex $words 0]
    lassign $V::project name folder
    file mkdir $folder/$name.srcs/sources_1/bd/$V::design
    close [open $folder/$name.srcs/sources_1/bd/$V::design/$V::design.bd w]
}
declare save_bd_design {} 0 0 {}
declare create_bd_cell {-type 1 -reference 1 -vlnv 1} 1 1 {
    if {$V::design eq ""} { V::fail "no block design is open" }
    set path [V::path [lindex $words 0]]
    if {[info exists V::cell($path)]} { V::fail "cell $path exists" }
    if {[string match */* $path] && ![info exists V::cell([file dirname $path])]} { V::fail "no parent of $path" }
    if {[dict exists $o -reference]} {
        set V::cell($path) mod:[dict get $o -reference]; V::fill $path [V::module [dict get $o -reference]]
    } elseif {[dict get $o -type] eq "hier"} { set V::cell($path) hier
    } else {
        set vlnv [dict get $o -vlnv]
        if {![info exists V::catalogue($vlnv)]} { V::fail "\[BD 5-216\] VLNV <$vlnv> is not in the catalogue" }
        set V::cell($path) ip:$vlnv; V::fill $path $V::catalogue($vlnv)
    }
    return cell:$path
}
declare create_bd_pin {-dir 1 -type 1 -from 1 -to 1} 1 1 { set V::pin([V::path [lindex $words 0]]) [dict get $o -dir] }
declare create_bd_intf_pin {-mode 1 -vlnv 1} 1 1 {
    set kind [expr {[string match *axis* [dict get $o -vlnv]] ? "axis" : "aximm"}]
    set V::bus([V::path [lindex $words 0]]) [list [dict get $o -mode] $kind 32]
}
proc V::get {table pattern prefix} {
    set found {}
    foreach each $pattern { foreach name [lsort [array names V::$table [V::path $each]]] { lappend found $prefix:$name } }
    if {$found eq ""} { V::fail "\[BD 5-233\] No $table matched '$pattern'" }
    return $found
}
declare get_bd_pins {} 1 1 { V::get pin [lindex $words 0] pin }
declare get_bd_ports {} 1 1 { V::get port [lindex $words 0] port }
declare get_bd_cells {} 0 1 {
    if {$words eq ""} { return [lmap name [array names V::cell] { string cat cell: $name }] }
    V::get cell [lindex $words 0] cell
}
declare get_bd_intf_pins {-quiet 0 -of_objects 1 -of 1 -filter 1} 0 1 {
    if {[dict exists $o -of] && [regexp {^net:(.+)} [dict get $o -of] -> port]} { return bus:$V::inside($port) }
    if {$words eq ""} { return {} }
    V::get bus [lindex $words 0] bus
}
declare get_bd_intf_ports {-filter 1} 0 1 {
    if {[dict exists $o -filter]} {       # of AXI4-Lite ports
        set found {}
        foreach name [array names V::busport] { if {[string match {Slave aximm *} $V::busport($name)]} {
            lappend found busport:$name } }
        return $found
    }
    V::get busport [lindex $words 0] busport
}
declare get_bd_intf_nets {-boundary_type 1 -of 1} 0 0 { return net:[string range [dict get $o -of] 8 end] }
proc V::net {name} { while {[info exists V::parent($name)]} { set name $V::parent($name) }; return $name }
declare connect_bd_net {-boundary_type 1} 2 99 {
    set root ""
    foreach object [concat {*}$words] {
        lassign [split $object :] kind name
        set way [expr {$kind eq "port" ? [expr {$V::port($name) eq "I" ? "O" : "I"}] : $V::pin($name)}]
        if {$kind eq "pin" && $V::cell([file dirname $name]) eq "hier"} { set way I }
        set net [V::net $name]
        if {$way eq "O"} { set V::driver($net) $name }
        if {$root eq ""} { set root $net }
        if {$net eq $root} continue
        if {[info exists V::driver($net)]} {
            if {[info exists V::driver($root)]} {
                V::fail "\[BD 41-1306\] $V::driver($root) and $V::driver($net) drive one net" }
            set V::driver($root) $V::driver($net) }
        set V::parent($net) $root
    }
}
declare connect_bd_intf_net {-boundary_type 1} 2 2 {
    lassign [lmap word $words { string range $word 4 end }] one two
    foreach name [list $one $two] {
        set most [expr {[info exists V::cell([file dirname $name])] && $V::cell([file dirname $name]) eq "hier" ? 2 : 1}]
        if {[incr V::joined($name)] > $most} { V::fail "\[BD 41-1306\] interface $name is connected twice" }
    }
    lassign $V::bus($one) mode kind
    lassign $V::bus($two) mode2 kind2
    if {$kind ne $kind2} { V::fail "\[BD 41-171\] $one is $kind, $two is $kind2" }
    set inside [expr {[string first [file dirname $one]/ $two] == 0 || [string first [file dirname $two]/ $one] == 0}]
    if {($mode eq $mode2) != $inside} { V::fail "\[BD 41-171\] $one is $mode, $two is $mode2" }
}
declare make_bd_pins_external {} 1 1 {
    set name [string range [lindex $words 0] 4 end]
    set V::port([file tail $name]_0) $V::pin($name)
    set V::driver([V::net $name]) external
}
declare make_bd_intf_pins_external {} 1 1 {
    set name [string range [lindex $words 0] 4 end]
    set V::busport([file tail $name]_0) $V::bus($name)
    set V::inside([file tail $name]_0) $name
    incr V::joined($name)
}
declare delete_bd_objs {} 1 1 {
    foreach object [lindex $words 0] {
        set path [string range $object 5 end]
        unset V::cell($path)
        foreach table {pin bus joined} { array unset V::$table $path/* }
    }
}
declare apply_bd_automation {-rule 1 -config 1} 1 1 {
    if {$V::board eq ""} { puts "CRITICAL WARNING: \[PSU-1\] preset without a board" }
}
declare get_bd_addr_segs {} 1 1 {
    set found {}
    set path [V::path [lindex $words 0]]
    if {[regexp {^(\w+)/Data_(\w+)/SEG_(\w+)_Reg$} $path -> cell master port]} {     # what a master of a cell reaches
        if {![info exists V::bus($cell/$master)] || ![info exists V::busport($port)]} { V::fail "no segment $path" }
        return seg:$path
    }
    regexp {^(.*)/([^/]*)$} $path -> interface pattern
    set kind $V::cell([file dirname $interface])
    if {[string match $pattern [lindex $V::catalogue([string range $kind 3 end]) 2]]} { lappend found seg:$interface }
    return $found
}
declare assign_bd_address {-offset 1 -range 1} 0 1 {
    if {![dict exists $o -offset]} return
    if {[lindex $words 0] eq ""} { V::fail "\[BD 41-1051\] no address segment is given" }
    set offset [dict get $o -offset]; set range [expr {int([dict get $o -range])}]
    set name [string range [lindex $words 0] 4 end]
    if {$offset % $range} { V::fail "\[BD 41-1075\] $name at $offset is not aligned to $range" }
    foreach segment $V::segments { lassign $segment other start size
        if {$offset < $start + $size && $start < $offset + $range} { V::fail "\[BD 41-1075\] $name overlaps $other" } }
    lappend V::segments [list $name $offset $range]
}
declare validate_bd_design {-force 0} 0 0 {
    foreach name [lsort [array names V::pin]] {
        if {$V::pin($name) ne "I" || ![regexp -nocase {cl(oc)?k|rst|reset} $name]} continue
        if {![info exists V::driver([V::net $name])]} { lappend loose $name }
    }
    foreach name [lsort [array names V::bus]] {
        # In the stitched design, FINN+ leaves the streams of weights that are constants open.
        set ours [string match ip:xilinx_finn:* $V::cell([file dirname $name])]
        if {$V::design eq "top" && ![info exists V::joined($name)] && ($ours || [lindex $V::bus($name) 1] eq "axis")} {
            lappend loose $name }
    }
    if {[info exists loose]} {
        set loose [lsearch -all -inline -not -regexp $loose {aux_reset_in$}]
        if {$loose ne ""} { V::fail "\[BD 41-758\] not connected: $loose" }
    }
}
declare make_wrapper {-files 1 -top 0 -import 0 -fileset 1} 0 0 {
    lassign $V::project name folder
    set target $folder/$name.gen/sources_1/bd/$V::design/hdl
    file mkdir $target
    set stream [open $target/${V::design}_wrapper.v w]
    puts $stream "module ${V::design}_wrapper(); endmodule"
    close $stream
    if {[dict exists $o -import]} { lappend V::files $target/${V::design}_wrapper.v }
}
declare get_files {-filter 1 -of_objects 1} 0 1 {
    if {$words eq ""} { return $V::files }
    lassign $V::project name folder
    set found [concat [glob -nocomplain [lindex $words 0]] \
        [glob -nocomplain $folder/$name.srcs/sources_1/bd/*/[file tail [lindex $words 0]]]]
    if {$found eq ""} { V::fail "\[Vivado 12-1\] no file [lindex $words 0]" }
    return [lindex $found 0]
}

# ---- packaging
declare ipx::package_project {-root_dir 1 -vendor 1 -library 1 -taxonomy 1 -module 1 -import_files 0 -force 0} 0 0 {
    file mkdir [dict get $o -root_dir]
    set module [dict get $o -module]
    set ::V::core [list [file normalize [dict get $o -root_dir]] [dict get $o -vendor]:[dict get $o -library]:$module:1.0]
    if {$::V::design eq ""} { lassign [::V::module $module] ::V::core_pins ::V::core_buses; set ::V::segment reg0
    } else { lassign [list [array get ::V::port] [array get ::V::busport]] ::V::core_pins ::V::core_buses; set ::V::segment {} }
    set stream [open [lindex $::V::core 0]/component.xml w]; puts $stream "<spirit:component/>"; close $stream
}
declare ipx::current_core {} 0 0 { if {$::V::core eq ""} { ::V::fail "no core is open" }; return core }
declare ipx::find_open_core {} 1 1 {
    if {[lindex $words 0] ne [lindex $::V::core 1]} { ::V::fail "\[IP_Flow 19-1\] no open core [lindex $words 0]" }
    return core
}
foreach name {create_xgui_files update_checksums} { declare ipx::$name {} 1 1 {} }
declare ipx::save_core {} 1 1 {
    lassign $::V::core folder vlnv
    set stream [open $folder/component.xml w]
    set inner [lsearch -all -inline -not [array names ::V::cell] */*]
    puts $stream "<stub vlnv=\"$vlnv\">[list $::V::core_pins $::V::core_buses $::V::segment $inner]</stub>"
    close $stream
}
declare ipx::get_bus_interfaces {-of 1 -of_objects 1} 0 1 {
    if {$words ne "" && ![dict exists $::V::core_buses [lindex $words 0]]} { ::V::fail "no bus [lindex $words 0]" }
    return businterface
}
declare ipx::get_bus_parameters {-of 1} 0 0 { return busparameter }
declare ipx::add_file_group {-type 1} 2 2 { return filegroup }
declare ipx::get_file_groups {-of 1} 1 1 { return filegroup }
declare ipx::get_files {-of 1} 0 1 { return {} }
declare ipx::add_file {} 2 2 {
    if {![file exists [lindex $::V::core 0]/[lindex $words 0]]} { ::V::fail "no [lindex $words 0] in the core" }
    return file:[lindex $words 0]
}
declare ipx::get_address_spaces {-of_objects 1} 1 1 {
    if {![dict exists $::V::core_buses [lindex $words 0]]} { ::V::fail "no master [lindex $words 0]" }
    return addressspace
}
declare ipx::remove_segment {-quiet 0} 2 2 {}
declare ipx::get_memory_maps {-of_objects 1} 1 1 { return memorymap }
declare ipx::add_memory_map {} 2 2 {
    if {![dict exists $::V::core_buses [lindex $words 0]]} { ::V::fail "no bus [lindex $words 0]" }
    return memorymap
}
declare ipx::get_address_blocks {-of_objects 1} 0 0 { return block:$::V::segment }
declare ipx::remove_address_block {} 2 2 { set ::V::segment {} }
declare ipx::add_address_block {} 2 2 { set ::V::segment [lindex $words 0]; return block:$::V::segment }

# ---- runs and reports
declare get_runs {} 1 1 { return run:[lindex $words 0] }
declare wait_on_run {} 1 1 {}
declare launch_runs {-jobs 1 -to_step 1} 1 1 {
    lassign $V::project name folder
    set target $folder/$name.runs/[lindex $words 0]
    file mkdir $target
    puts "Command: synth_design -top top_wrapper"
    switch $V::mode {
        licence { puts "ERROR: \[Common 17-345\] A valid license was not found for feature 'Synthesis' and/or device\
            'xc7z020'. Please run the Vivado License Manager for assistance." }
        full { puts "ERROR: \[Common 17-143\] Path length or space: No space left on device while writing top.dcp" }
        killed { exec kill -9 [pid] }
        hang { puts "Command: place_design"; flush stdout; exec sleep 600 }
        critical { puts "CRITICAL WARNING: \[Timing 38-282\] The design failed to meet the timing requirements." }
    }
    if {$V::mode in {licence full}} {
        puts "ERROR: \[Common 17-69\] Command failed: Synthesis failed"
        return
    }
    foreach command {opt_design place_design route_design write_bitstream} { puts "Command: $command" }
    set stem $target/$::V::property(fileset:sources_1,top)
    set stream [open $stem.bit w]; if {$V::mode ne "empty"} { puts $stream "bits" }; close $stream
    set place $folder/$name.gen/sources_1/bd/$V::design/hw_handoff
    file mkdir $place
    set stream [open $place/$V::design.hwh w]
    puts $stream {<?xml version="1.0"?><EDKSYSTEM EDWVERSION="1.2" VIVADOVERSION="2024.2">}
    regexp {^(?:xc(?=7))?([^-]*?)(?:clg\d+)?-} $V::part -> device
    puts $stream "<SYSTEMINFO ARCH=\"zynq\" DEVICE=\"$device\" NAME=\"top\"/><MODULES><MEMORYMAP>"
    foreach segment $V::segments { lassign $segment interface offset range
        puts $stream [format {<MEMRANGE INSTANCE="%s" SLAVEBUSINTERFACE="%s" BASEVALUE="0x%08X" HIGHVALUE="0x%08X"/>} \
            [file dirname $interface] [file tail $interface] $offset [expr {$offset + $range - 1}]] }
    puts $stream {</MEMORYMAP></MODULES></EDKSYSTEM>}
    close $stream
    file copy -force $::V::here/[expr {$V::mode eq "violated" ? "timing_violated" : "timing_met"}].rpt \
        ${stem}_timing_summary_routed.rpt
    file copy -force $::V::here/[expr {$V::mode eq "overfull" ? "utilisation_overfull" : "utilisation"}].rpt \
        ${stem}_utilization_placed.rpt
}
declare open_run {} 1 1 {
    lassign $V::project name folder
    if {[glob -nocomplain $folder/$name.runs/[lindex $words 0]/*.bit] eq ""} {
        V::fail "\[Common 17-69\] Command failed: Run '[lindex $words 0]' has not been completed or has failed." }
}
declare report_utilization {-hierarchical 0 -hierarchical_depth 1 -file 1 -format 1} 0 0 {
    puts "Command: report_utilization -hierarchical"
    set stream [open [dict get $o -file] w]
    puts $stream "<?xml version=\"1.0\"?><RptDoc><section title=\"Utilization by Hierarchy\"><table>"
    V::row $stream tableheader {Instance Module {Total LUTs} {Logic LUTs} LUTRAMs SRLs FFs RAMB36 RAMB18 {DSP Blocks}}
    V::row $stream tablecell {top_wrapper (top) 1500 1400 60 40 1800 0 1 0}
    foreach name [lsort [array names V::cell]] {
        V::row $stream tablecell [list "  $name" top 100 90 6 4 120 0 0 0]
        foreach inner [lindex $V::catalogue([string range $V::cell($name) 3 end]) 3] {
            V::row $stream tablecell [list "      $inner" stitched 300 300 0 0 200 0 0 0] }
    }
    puts $stream {</table></section></RptDoc>}
    close $stream
}
proc V::row {stream kind cells} {
    puts $stream "<tablerow>[join [lmap cell $cells { format {<%s contents="%s"/>} $kind $cell }] {}]</tablerow>"
}
if {[catch {source [lindex $argv 0]} message]} { puts "INFO: stopped by: $message"; exit 1 }
exit 0
