/** The globals that the web app gives to plugins. */
import * as ReactModule from 'react';
import * as ReactDOMModule from 'react-dom';

// Interop of the three versions differs in whether there is a default.
const whole = (module: object) => ('default' in module ? (module.default as object) : module);
Object.assign(window, { React: whole(ReactModule), ReactDOM: whole(ReactDOMModule) });
