package kit

// Fault makes the actor that receives it panic, whatever kind it is: the failure that supervision is tested with. The product sends it to nobody.
type Fault struct{ Reason string }

func (f Fault) String() string { return "injected fault: " + f.Reason }
