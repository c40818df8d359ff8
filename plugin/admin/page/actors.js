// The page of live actors. It polls the counters once a second and the tree when its version has grown; it keeps a minute of depths for the small curves.

const second = 1000;
const kept = 60;
const names = {users: new Map(), channels: new Map()};

const state = {
	version: -1,
	actors: [],
	kinds: {},
	incidents: [],
	history: new Map(), // id → depths, and the places of restarts among them
	selected: '',
	filter: 'all',
	search: '',
	paused: false,
	updated: 0,
};

const $ = (id) => document.getElementById(id);

// el makes an element; text goes in as text, so that no name can become markup.
function el(tag, attributes = {}, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (name === 'onclick') {
			node.addEventListener('click', value);
		} else if (value !== undefined && value !== false) {
			node.setAttribute(name, value === true ? '' : value);
		}
	}
	node.append(...children);
	return node;
}

async function get(path) {
	const r = await fetch(path, {headers: {'X-Requested-With': 'XMLHttpRequest'}});
	if (r.status === 304) {
		return null;
	}
	if (!r.ok) {
		const body = await r.json().catch(() => ({}));
		throw new Error(body.error || `the server answered ${r.status}`);
	}
	return r.json();
}

async function post(path, body) {
	const r = await fetch(path, {method: 'POST', body: JSON.stringify(body), headers: {'X-Requested-With': 'XMLHttpRequest', 'Content-Type': 'application/json'}});
	const answer = await r.json().catch(() => ({}));
	if (!r.ok) {
		throw new Error(answer.error || `the server answered ${r.status}`);
	}
}

function complain(err) {
	$('error').textContent = `That did not work: ${err.message}.`;
	$('error').hidden = false;
	setTimeout(() => { $('error').hidden = true; }, 6 * second);
}

// poll takes the newest numbers in.
async function poll() {
	const tree = await get(state.version < 0 ? 'actors' : `actors?v=${state.version}`);
	if (tree) {
		const restarts = new Map(state.actors.map((a) => [a.id, a.restarts]));
		state.version = tree.version;
		state.actors = tree.actors;
		state.kinds = tree.kinds;
		state.incidents = tree.incidents;
		for (const a of state.actors) {
			if (a.restarts > (restarts.get(a.id) ?? a.restarts)) {
				remember(a.id).marks.push(kept - 1);
			}
		}
		const alive = new Set(state.actors.map((a) => a.id));
		for (const id of state.history.keys()) {
			if (!alive.has(id)) {
				state.history.delete(id);
			}
		}
		await learnNames();
	}
	const {version, counts} = await get('counts');
	if (version === state.version) {
		counts.forEach((c, i) => Object.assign(state.actors[i], c));
	}
	for (const a of state.actors) {
		const h = remember(a.id);
		h.depths.push(a.control.depth + a.media.depth);
		h.depths.splice(0, h.depths.length - kept);
		h.marks = h.marks.map((m) => m - 1).filter((m) => m >= 0);
	}
	state.updated = Date.now();
}

function remember(id) {
	if (!state.history.has(id)) {
		state.history.set(id, {depths: [], marks: []});
	}
	return state.history.get(id);
}

// learnNames asks the host for the names of people and channels that are new.
async function learnNames() {
	const users = [...new Set(state.actors.map((a) => a.user_id).filter((id) => id && !names.users.has(id)))];
	if (users.length > 0) {
		const r = await fetch('/api/v4/users/ids', {method: 'POST', body: JSON.stringify(users), headers: {'X-Requested-With': 'XMLHttpRequest', 'Content-Type': 'application/json'}});
		for (const u of r.ok ? await r.json() : []) {
			names.users.set(u.id, u.username);
		}
	}
	for (const id of new Set(state.actors.map((a) => a.channel_id).filter((id) => id && !names.channels.has(id)))) {
		names.channels.set(id, id);
		const r = await fetch(`/api/v4/channels/${encodeURIComponent(id)}`);
		if (r.ok) {
			const channel = await r.json();
			names.channels.set(id, channel.display_name || 'Direct message');
		}
	}
}

function label(a) {
	switch (a.kind) {
	case 'call':
		return names.channels.get(a.channel_id) || a.name;
	case 'session':
		return names.users.get(a.user_id) || a.name;
	}
	return a.name;
}

function age(ms) {
	const s = Math.max(0, Math.round((Date.now() - ms) / second));
	if (s < 60) {
		return `${s} s`;
	}
	return s < 3600 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h`;
}

function short(n) {
	if (n < 10000) {
		return String(n);
	}
	return n < 1e6 ? `${Math.round(n / 1000)} k` : `${(n / 1e6).toFixed(1)} M`;
}

function spark(id) {
	const {depths, marks} = remember(id);
	const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	svg.setAttribute('class', 'spark');
	svg.setAttribute('viewBox', '0 0 104 20');
	svg.setAttribute('aria-hidden', 'true');
	const top = Math.max(4, ...depths);
	const x = (i) => (104 * (kept - depths.length + i)) / (kept - 1);
	const path = document.createElementNS(svg.namespaceURI, 'path');
	path.setAttribute('d', depths.map((d, i) => `${i ? 'L' : 'M'}${x(i).toFixed(1)} ${(18 - (16 * d) / top).toFixed(1)}`).join(''));
	svg.append(path);
	for (const m of marks) {
		const line = document.createElementNS(svg.namespaceURI, 'line');
		for (const [k, v] of Object.entries({x1: (104 * m) / (kept - 1), x2: (104 * m) / (kept - 1), y1: 0, y2: 20})) {
			line.setAttribute(k, v);
		}
		svg.append(line);
	}
	return svg;
}

const words = {idle: 'Idle', busy: 'Busy', stuck: 'Stuck', suspended: 'Restarting', stopping: 'Stopping'};

function matches(a) {
	if (state.filter === 'failed' && a.restarts === 0 && a.failures === 0) {
		return false;
	}
	if (state.filter === 'busy' && a.state === 'idle') {
		return false;
	}
	const text = `${label(a)} ${a.kind} ${a.id} ${a.user_id || ''} ${a.channel_id || ''}`.toLowerCase();
	return text.includes(state.search.toLowerCase());
}

// shown are the actors that match and everything above them, with their depth in the tree.
function shown() {
	const byID = new Map(state.actors.map((a) => [a.id, a]));
	const wanted = new Set();
	for (const a of state.actors.filter(matches)) {
		for (let up = a; up && !wanted.has(up.id); up = byID.get(up.parent)) {
			wanted.add(up.id);
		}
	}
	const children = new Map();
	for (const a of state.actors.filter((x) => wanted.has(x.id))) {
		const parent = byID.has(a.parent) ? a.parent : '';
		children.set(parent, [...(children.get(parent) || []), a]);
	}
	const rows = [];
	const walk = (parent, depth) => {
		for (const a of children.get(parent) || []) {
			rows.push({a, depth});
			walk(a.id, depth + 1);
		}
	};
	walk('', 0);
	return rows;
}

function row({a, depth}) {
	const lane = (f) => a.control[f] + a.media[f];
	const open = el('button', {type: 'button', class: 'open', style: undefined, onclick: () => { state.selected = a.id; draw(); }}, label(a));
	const first = el('td', {}, open, el('span', {class: 'kind'}, a.name === a.kind || a.kind === label(a) ? '' : a.kind));
	first.style.paddingLeft = `${8 + 20 * depth}px`;
	return el('tr', {'aria-selected': String(a.id === state.selected), 'data-id': a.id, 'data-kind': a.kind},
		first,
		el('td', {}, el('span', {class: `dot ${a.state === 'idle' ? 'on' : a.state}`}), words[a.state] || a.state),
		el('td', {class: 'quiet'}, age(a.began_at)),
		el('td', {}, spark(a.id)),
		el('td', {class: 'n'}, `${lane('depth')} / ${Math.max(a.control.high_water, a.media.high_water)}`),
		el('td', {class: 'n'}, short(lane('processed'))),
		el('td', {class: lane('dropped') ? 'n' : 'n quiet'}, short(lane('dropped'))),
		el('td', {class: 'n'}, a.restarts ? el('span', {class: 'badge', 'data-testid': 'restarts'}, `↻ ${a.restarts}`) : '–'));
}

function totals() {
	const sum = (field) => Object.values(state.kinds).reduce((n, k) => n + k[field], 0);
	const people = new Set(state.actors.map((a) => a.user_id).filter(Boolean)).size;
	const stuck = state.actors.filter((a) => a.state === 'stuck').length;
	const box = (title, value, note, bad) => el('div', {class: bad ? 'bad' : ''}, title, el('b', {}, short(value)), note);
	return [
		box('Calls', state.kinds.call?.actors || 0, `${people} people`),
		box('Actors', state.actors.length, `${stuck} stuck`, stuck > 0),
		box('Restarts', sum('restarts'), `${short(sum('failures'))} failures`, sum('restarts') > 0),
		box('Media dropped', sum('packets_dropped'), `of ${short(sum('packets'))} packets`, sum('packets_dropped') > 0),
	];
}

async function action(question, path, id) {
	if (question && !confirm(question)) {
		return;
	}
	try {
		await post(path, {id});
		await poll();
		draw();
	} catch (err) {
		complain(err);
	}
}

function details(a) {
	const panel = $('details');
	panel.hidden = !a;
	if (!a) {
		return;
	}
	const parts = [el('header', {}, el('div', {}, el('h2', {}, label(a)), el('div', {class: 'quiet'}, `${a.kind}, generation ${a.generation}, ${a.details}`)),
		el('button', {type: 'button', 'aria-label': 'Close details', onclick: () => { state.selected = ''; draw(); }}, '✕'))];
	if (a.recent_failures > 0) {
		parts.push(el('p', {class: 'note'}, `${a.recent_failures} of ${a.max_restarts} restarts used in the last ${a.window_ms / second} s.`));
	}
	if (a.last_failure) {
		parts.push(el('h3', {}, `Last failure, ${new Date(a.last_failure.at).toLocaleTimeString()}`), el('strong', {}, a.last_failure.reason),
			el('div', {class: 'quiet'}, `while handling ${a.last_failure.during}`), el('pre', {}, a.last_failure.stack.join('\n') || 'no line of ours on the stack'));
	}
	if (a.stack) {
		parts.push(el('h3', {}, 'Stuck at'), el('pre', {}, a.stack.join('\n')));
	}
	const lanes = ['system', 'control', 'media'].map((l) => `${l}: ${a[l].depth} now, ${a[l].high_water} most, ${a[l].processed} handled, ${a[l].dropped} dropped`);
	parts.push(el('h3', {}, 'Mailbox'), el('pre', {}, lanes.join('\n')), el('h3', {}, 'Id'), el('pre', {}, a.id));
	const buttons = [el('button', {type: 'button', onclick: () => action('', 'restart', a.id)}, 'Restart')];
	if (a.session_id) {
		buttons.push(el('button', {type: 'button', class: 'danger', onclick: () => action('End this session? The person is dropped from the call.', 'end-session', a.session_id)}, 'End session…'));
	}
	if (a.channel_id) {
		buttons.push(el('button', {type: 'button', class: 'danger', onclick: () => action('End this call for everybody in it?', 'end-call', a.channel_id)}, 'End call…'));
	}
	parts.push(el('div', {class: 'actions'}, ...buttons));
	panel.replaceChildren(...parts);
}

function draw() {
	const focused = document.activeElement?.closest('tr')?.dataset.id;
	const rows = shown();
	$('totals').replaceChildren(...totals());
	$('rows').replaceChildren(...rows.map(row));
	$('empty').hidden = rows.length > 0;
	details(state.actors.find((a) => a.id === state.selected));
	if (focused) {
		$('rows').querySelector(`tr[data-id="${CSS.escape(focused)}"] button`)?.focus();
	}
}

// problems shows what is wrong with the settings: who watches this page is who can put it right.
async function problems() {
	const list = (await get('settings')).problems;
	const box = $('settings');
	box.hidden = list.length === 0;
	box.className = list.some((p) => p.wrong) ? 'bad' : '';
	const item = (p) => el('li', {}, el('strong', {}, p.setting), p.value ? ' = ' : '', p.value ? el('code', {}, p.value) : '', `: ${p.problem}`);
	const part = (title, some) => (some.length ? [el('h2', {}, title), el('ul', {}, ...some.map(item))] : []);
	box.replaceChildren(
		...part('Settings that are not in force', list.filter((p) => p.wrong)),
		...part('About the settings', list.filter((p) => !p.wrong)));
}

function live() {
	const seconds = ((Date.now() - state.updated) / second).toFixed(1);
	const fresh = !state.paused && Date.now() - state.updated < 3 * second;
	document.querySelector('#live .dot').className = fresh ? 'dot on' : 'dot';
	$('live-text').textContent = state.paused ? 'Paused' : fresh ? 'Live' : `No answer for ${seconds} s`;
}

async function tick() {
	if (!state.paused) {
		try {
			await poll();
			if (!$('details').contains(document.activeElement)) {
				draw();
			}
		} catch (err) {
			if (state.version < 0) {
				complain(err);
			}
		}
	}
	live();
	setTimeout(tick, second);
}

// watchSettings asks now and then: settings change seldom.
async function watchSettings() {
	await problems().catch(() => undefined); // the live dot says when the server does not answer
	setTimeout(watchSettings, 5 * second);
}

$('search').addEventListener('input', (e) => { state.search = e.target.value; draw(); });
$('pause').addEventListener('click', () => {
	state.paused = !state.paused;
	$('pause').setAttribute('aria-pressed', String(state.paused));
	$('pause').textContent = state.paused ? 'Go on' : 'Pause';
});
$('filter').addEventListener('click', (e) => {
	const chosen = e.target.closest('button');
	if (!chosen) {
		return;
	}
	state.filter = chosen.dataset.filter;
	for (const b of $('filter').querySelectorAll('button')) {
		b.setAttribute('aria-pressed', String(b === chosen));
	}
	draw();
});
tick();
watchSettings();
