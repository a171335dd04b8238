// The test page's service worker: whatever the page is made of is kept at installation and given from there.
// What goes to the office passes by.

const CACHE = 'page';
const FILES = [
  './',
  'page.mjs',
  'client.js',
  'device_key.js',
  'failure.js',
  'keep.js',
  'lettering.js',
  'louan_web.js',
  'louan_web_bg.wasm',
  'office.js',
  'owner.js',
  'worker.js',
];

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  if (new URL(event.request.url).pathname.startsWith('/api/')) return;
  event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request)));
});
