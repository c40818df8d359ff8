package actors

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/session"
)

func newTestRegistry() *registry { return newRegistry(nil, func() int { return 10 }) }

func TestAJoinThatIsNotDecidedCanBeWithdrawn(t *testing.T) {
	r, v := newTestRegistry(), Visitor{Conn: "a", User: "alice"}
	first, ok := r.open(v, "here")
	require.True(t, ok)
	_, ok = r.open(v, "here")
	assert.False(t, ok, "one at a time")
	assert.True(t, r.withdraw(r.find("a", "alice")))
	assert.False(t, r.let("a", first), "who has gone is not let in")

	second, ok := r.open(v, "here")
	require.True(t, ok, "the connection may ask again")
	r.refused("a", first) // late
	assert.False(t, r.let("a", first))
	assert.True(t, r.let("a", second))
	assert.False(t, r.withdraw(r.find("a", "alice")), "a session that is in ends like any other")
	r.refused("a", second)
	assert.Nil(t, r.find("a", "alice"))
}

func TestASessionMovesWithItsOwnerAlone(t *testing.T) {
	r := newTestRegistry()
	_, _ = r.open(Visitor{Conn: "a", User: "alice", Auth: "one"}, "here")
	_, _ = r.open(Visitor{Conn: "b", User: "bob"}, "here")
	assert.Nil(t, r.move("a", Visitor{Conn: "b2", User: "bob"}, "here"), "another user's session")
	assert.Nil(t, r.move("a", Visitor{Conn: "b", User: "alice"}, "here"), "a connection that speaks for another session")
	assert.Nil(t, r.move("a", Visitor{Conn: "a2", User: "alice"}, "there"), "another channel's call")
	assert.Nil(t, r.move("x", Visitor{Conn: "a2", User: "alice"}, "here"), "no such session")
	require.NotNil(t, r.move("a", Visitor{Conn: "a2", User: "alice", Auth: "two"}, "here"))
	assert.Equal(t, "two", r.auth("a"))
	require.NotNil(t, r.move("a", Visitor{Conn: "a", User: "alice"}, "here"), "and back")
	assert.Equal(t, "two", r.auth("a"), "a host that does not say takes nothing away")
	assert.Nil(t, r.find("a2", "bob"))
	assert.NotNil(t, r.find("a2", "alice"))
	for i := range 3 * mostConns {
		require.NotNil(t, r.move("a", Visitor{Conn: session.ConnID(fmt.Sprint("n", i)), User: "alice"}, "here"))
	}
	assert.Len(t, r.byConn, mostConns+1, "former ids are forgotten in the end")
	r.Forget("a")
	assert.Len(t, r.byConn, 1)
}
