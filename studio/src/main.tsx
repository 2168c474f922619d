import { render } from "preact";
import { Api, takeToken } from "./api/client";
import { listenToDrops } from "./input/files";
import { KeyboardController } from "./input/keyboard";
import { Studio } from "./session/studio";
import "./ui/style.css";
import { Tools } from "./input/tools";
import { App } from "./ui/App";
import { Context } from "./ui/context";

const token = takeToken();
const studio = new Studio(new Api(token ?? ""));
const tools = new Tools(studio);

new KeyboardController(studio, tools);
listenToDrops((files) => void studio.upload(files));
addEventListener("hashchange", () => {
  if (new URLSearchParams(location.hash.slice(1)).has("token")) location.reload();
});

// For scripts and tests: the same object that the page uses.
declare global {
  interface Window {
    studio: Studio;
  }
}
window.studio = studio;

render(
  <Context.Provider value={{ studio, tools }}>
    <App />
  </Context.Provider>,
  document.getElementById("app")!,
);
