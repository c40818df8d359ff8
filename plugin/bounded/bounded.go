// Package bounded is a map that forgets what was not used for longest: what strangers can fill must not grow without end.
package bounded

import (
	"container/list"
	"sync"
)

// Map holds at most its limit of entries.
type Map[K comparable, V any] struct {
	limit int
	fresh func() V

	mu      sync.Mutex
	entries map[K]*list.Element
	order   *list.List // of entry[K, V], the last used one first
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// New makes a Map whose entries begin as fresh makes them.
func New[K comparable, V any](limit int, fresh func() V) *Map[K, V] {
	return &Map[K, V]{limit: limit, fresh: fresh, entries: map[K]*list.Element{}, order: list.New()}
}

// Get is the entry of k, made when there is none.
func (m *Map[K, V]) Get(k K) V {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[k]; ok {
		m.order.MoveToFront(e)
		return e.Value.(entry[K, V]).value
	}
	if m.order.Len() >= m.limit {
		m.remove(m.order.Back())
	}
	v := m.fresh()
	m.entries[k] = m.order.PushFront(entry[K, V]{k, v})
	return v
}

// Delete forgets k.
func (m *Map[K, V]) Delete(k K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[k]; ok {
		m.remove(e)
	}
}

func (m *Map[K, V]) remove(e *list.Element) {
	delete(m.entries, m.order.Remove(e).(entry[K, V]).key)
}

// Len is the number of entries.
func (m *Map[K, V]) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.order.Len()
}
