package calls_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The import graph is the supervision tree. A rule that breaks prints why it stands.

// rule forbids the packages under some folders to import others.
type rule struct {
	in     []string // folders, with all below
	except []string
	never  []string // import paths, with all below
	why    string
}

const (
	proto = "github.com/asynkron/protoactor-go"
	pion  = "github.com/pion/webrtc"
	mm    = "github.com/mattermost/mattermost-server"
)

var rules = []rule{
	{in: []string{"actors", "media", "wire", "guard"}, never: []string{mm},
		why: "the engine must run without a Mattermost server: in tests, in the bench, on a media node of its own"},
	{in: []string{"media", "wire", "guard"}, never: []string{proto},
		why: "the media path knows a mailbox only as a media.Lane, so that it can be measured and changed without the actor library"},
	{in: []string{"actors", "plugin", "wire", "guard", "bench"}, except: []string{"bench/client", "bench/sfu/plain"}, never: []string{pion},
		why: "pion is reached through media alone, which guards what goes into it"},
	{in: []string{"wire", "guard"}, never: []string{"calls"},
		why: "these two stand below everything else; an import from them upwards would close a circle"},
	{in: []string{"media"}, never: []string{"calls/actors", "calls/wire", "calls/plugin", "calls/bench"},
		why: "media moves packets and knows neither who speaks nor how they said hello"},
	{in: []string{"actors/kit"}, never: []string{"calls/actors/call", "calls/actors/session", "calls/actors/track", "calls/media", "calls/wire", "calls/plugin", "calls/bench"},
		why: "kit knows protoactor and nothing of calls"},
	{in: []string{"actors/track"}, never: []string{"calls/actors/session", "calls/actors/call", "calls/wire", "calls/plugin", "calls/bench"},
		why: "parents import children, never the reverse: a child speaks to its parent in its own words"},
	{in: []string{"actors/session"}, never: []string{"calls/actors/call", "calls/plugin", "calls/bench"},
		why: "parents import children, never the reverse: a child speaks to its parent in its own words"},
	{in: []string{"actors/call"}, never: []string{"calls/wire", "calls/plugin", "calls/bench"},
		why: "a call deals in sessions and events; how clients spell them is for session and plugin"},
	{in: []string{"actors"}, never: []string{"calls/plugin", "calls/bench"},
		why: "the plugin hangs on the engine, not the engine on the plugin"},
	{in: []string{"plugin"}, never: []string{"calls/media", "calls/actors/track", "calls/actors/kit", "calls/bench"},
		why: "the plugin sees the Engine and its ports; what is below can change without it"},
	{in: []string{"actors", "media", "wire", "guard", "plugin"}, never: []string{proto + "/router", proto + "/remote", proto + "/cluster", proto + "/scheduler", proto + "/stream", proto + "/persistence"},
		why: "of protoactor-go only the actor package has held up in trials (races, crashes by any peer, split brain elsewhere)"},
}

// unguarded are the only places that may start a goroutine by hand.
var unguarded = []string{"guard/guard.go"}

type source struct {
	path string // slashes, from the root
	file *ast.File
	fset *token.FileSet
}

func sources(t *testing.T) []source {
	t.Helper()
	var found []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		p = filepath.ToSlash(p)
		if d.IsDir() {
			if slices.Contains([]string{"host", "node_modules", ".git", ".run", ".tools", "dist", "bench/peers", "third_party"}, p) || path.Base(p) == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		found = append(found, source{p, f, fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func under(p string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return p == f || strings.HasPrefix(p, f+"/") })
}

func TestImportRules(t *testing.T) {
	checked := 0
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		for _, r := range rules {
			if !under(s.path, r.in) || under(s.path, r.except) {
				continue
			}
			for _, imp := range s.file.Imports {
				name, _ := strconv.Unquote(imp.Path.Value)
				checked++
				if under(name, r.never) {
					t.Errorf("%s imports %s: %s", s.path, name, r.why)
				}
			}
		}
	}
	if checked < 100 {
		t.Fatalf("only %d imports were looked at: the folders have moved and the rules did not", checked)
	}
}

func TestNoBareGoroutines(t *testing.T) {
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") || slices.Contains(unguarded, s.path) || under(s.path, []string{"bench", "e2e"}) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s starts a goroutine by hand: a panic in it ends every call on the server. Use guard.Go", s.fset.Position(g.Pos()))
			}
			return true
		})
	}
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	said := map[string]bool{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		dir := path.Dir(s.path)
		said[dir] = said[dir] || s.file.Doc != nil
	}
	for dir, ok := range said {
		if !ok {
			t.Errorf("package in %s has no doc comment", dir)
		}
	}
}

func TestNoBoundedMailboxes(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "actor" && (strings.HasPrefix(sel.Sel.Name, "Bounded") || sel.Sel.Name == "NewAllForOneStrategy") {
					t.Errorf("%s uses actor.%s: bounded mailboxes of the library lose stops and burn a core, and one-for-all ends the process as a guardian", s.fset.Position(sel.Pos()), sel.Sel.Name)
				}
			}
			return true
		})
	}
}
