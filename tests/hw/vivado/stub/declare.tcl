# Commands of a vendor's tool: each fails for an option or a number of arguments that it does not have.
proc V::fail {message} { puts "ERROR: $message"; return -code error -level 2 $message }

# declare NAME {-option takes-a-value ...} LEAST MOST BODY: positional arguments are in `words`, options in `o`
proc declare {name options least most body} {
    proc ::$name args [format {
        set words {}; set o {}
        for {set i 0} {$i < [llength $args]} {incr i} {
            set word [lindex $args $i]
            if {[regexp {^-[a-z_][a-z0-9_]*$} $word]} {
                if {![dict exists {%2$s} $word]} { V::fail "\[Common 17-170\] Unknown option '$word' of %1$s" }
                if {[dict get {%2$s} $word]} {
                    if {[incr i] >= [llength $args]} { V::fail "%1$s: $word needs a value" }
                    dict set o $word [lindex $args $i]
                } else { dict set o $word 1 }
            } else { lappend words $word }
        }
        if {[llength $words] < %3$d || [llength $words] > %4$d} {
            V::fail "\[Common 17-165\] %1$s takes %3$d to %4$d arguments, got {$args}"
        }
    } $name $options $least $most]\n$body
}
proc unknown args { V::fail "invalid command name \"[lindex $args 0]\"" }
