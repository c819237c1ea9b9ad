# A stand-in for Vitis HLS in tclsh: it reads the top function and its pragmas, and exports a core with the interfaces
# that they ask for. It fails as the tool would: unknown command or option, missing file, header or function.
namespace eval V {
    variable project {} source {} includes {} top {} part {} clock {} mode ""
    if {[info exists ::env(QUARL_STUB)]} { set mode $::env(QUARL_STUB) }
}
set V::here [file dirname [file normalize [info script]]]
source $V::here/declare.tcl
proc V::text {file} { set stream [open $file]; set text [read $stream]; close $stream; return $text }

proc V::check_headers {file} {       ;# every header in quotes, and those that it includes
    foreach {whole name} [regexp -all -inline {#include\s+"([^"]+)"} [V::text $file]] {
        set found 0
        foreach folder [concat [file dirname $file] $V::includes] {
            if {[file isfile $folder/$name]} { V::check_headers $folder/$name; set found 1; break }
        }
        if {!$found} { return -code error "\[HLS 200-1471\] '$name' file not found: $file" }
    }
}
declare open_project {} 1 1 { set V::project [lindex $words 0]; file mkdir $V::project }
declare add_files {-cflags 1} 1 1 {
    set V::source [lindex $words 0]
    if {![file isfile $V::source]} { V::fail "\[HLS 200-642\] The source file '$V::source' does not exist" }
    foreach flag [dict get $o -cflags] { if {[regexp {^-I(.*)} $flag -> folder]} {
        if {![file isdir $folder]} { V::fail "\[HLS 200-1\] no include folder $folder" }
        lappend V::includes $folder } }
}
declare set_top {} 1 1 { set V::top [lindex $words 0] }
declare open_solution {} 1 1 { if {$V::project eq ""} { V::fail "no open project" }; file mkdir $V::project/sol1 }
declare set_part {} 1 1 {
    if {![regexp {^xc} [lindex $words 0]]} { V::fail "\[HLS 200-1023\] no part [lindex $words 0]" }
    set V::part [lindex $words 0]
}
declare set_param {} 2 2 {}
declare config_compile {-disable_unroll_code_size_check 0 -pipeline_style 1} 0 0 {}
declare config_interface {-m_axi_addr64 0} 0 0 {}
declare config_rtl {-module_auto_prefix 0 -deadlock_detection 1} 0 0 {}
declare create_clock {-period 1 -name 1} 0 0 { set V::clock [expr {double([dict get $o -period])}] }
declare csynth_design {} 0 0 {
    if {$V::mode eq "hls"} { V::fail "\[HLS 214-194\] in function '$V::top': Undefined function Mem2Stream_Batch" }
    if {$V::part eq "" || $V::clock eq ""} { V::fail "\[HLS 200-70\] no part or no clock" }
    if {[catch {V::check_headers $V::source} message]} { V::fail $message }
    if {![regexp "void\\s+$V::top\\((\[^)\]*)\\)" [V::text $V::source] whole V::arguments]} {
        V::fail "\[HLS 200-1\] cannot find the top function '$V::top'" }
}
declare export_design {-format 1} 0 0 {
    if {![info exists V::arguments]} { V::fail "\[HLS 200-70\] no synthesised design" }
    set buses {}
    foreach {whole pragma} [regexp -all -inline {#pragma HLS INTERFACE ([^\n]*)} [V::text $V::source]] {
        regexp {port=(\w+)} $pragma -> port
        if {$port ne "return" && ![regexp "\\m$port\\M" $V::arguments]} { V::fail "\[HLS 207-5301\] no port '$port'" }
        switch [lindex $pragma 0] {
            m_axi { dict set buses m_axi_gmem {Master aximm 64} }
            s_axilite { regexp {bundle=(\w+)} $pragma -> bundle; dict set buses s_axi_$bundle {Slave aximm 6} }
            axis { dict set buses $port [list [expr {[string match out* $port] ? "Master" : "Slave"}] axis 0] }
        }
    }
    set folder $V::project/sol1/impl/ip
    file mkdir $folder
    set stream [open $folder/component.xml w]
    puts $stream "<stub vlnv=\"xilinx.com:hls:$V::top:1.0\">[list {ap_clk I ap_rst_n I interrupt O} $buses Reg]</stub>"
    close $stream
}
if {[catch {source [lindex $argv 0]} message]} { puts "INFO: stopped by: $message"; exit 1 }
exit 0
