package media

import "sync"

// index finds a link by something that its datagrams carry. It is the loop's; what it knows is told to the other shards by way of the shared one.
type index[K comparable] struct {
	of     map[K]*link
	shared *sharedIndex[K] // nil: there is one shard
}

func newIndex[K comparable](shared *sharedIndex[K]) index[K] {
	return index[K]{of: map[K]*link{}, shared: shared}
}

// anywhere finds the link of whatever shard.
func (x *index[K]) anywhere(key K) *link {
	if lk := x.of[key]; lk != nil || x.shared == nil {
		return lk
	}
	return x.shared.get(key)
}

func (x *index[K]) put(key K, lk *link) {
	x.of[key] = lk
	if x.shared != nil {
		x.shared.put(key, lk)
	}
}

// drop forgets a key, if it is this link's.
func (x *index[K]) drop(key K, lk *link) {
	if x.of[key] == lk {
		delete(x.of, key)
	}
	if x.shared != nil {
		x.shared.drop(key, lk)
	}
}

// sharedIndex is what all shards of a server know together. It is asked for datagrams only that came to another shard than their owner's, which is few of them:
// most of a shard's work is sending.
type sharedIndex[K comparable] struct {
	mu sync.RWMutex
	of map[K]*link
}

func newSharedIndex[K comparable]() *sharedIndex[K] { return &sharedIndex[K]{of: map[K]*link{}} }

func (x *sharedIndex[K]) get(key K) *link {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.of[key]
}

func (x *sharedIndex[K]) put(key K, lk *link) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.of[key] = lk
}

func (x *sharedIndex[K]) drop(key K, lk *link) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.of[key] == lk {
		delete(x.of, key)
	}
}

// directory is what the shards of one server share.
type directory struct {
	ufrag *sharedIndex[string]
	addr  *sharedIndex[route]
	ssrc  *sharedIndex[uint32]
}

func newDirectory() *directory {
	return &directory{newSharedIndex[string](), newSharedIndex[route](), newSharedIndex[uint32]()}
}
