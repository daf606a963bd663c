// A page that was opened from a folder (file://) may start no worker and read no JSON, which the search wants to do.
// Scripts it may load: so this stands in for the worker, with the index as a script (search_hook.py).
if (window.location.protocol === "file:") {
  window.Worker = class {
    constructor(address) {
      this.folder = address.replace(/[^/]*$/, "");
    }

    postMessage(message) {
      if (message.init) {
        this.load("lunr.js", () => this.load("search_index.js", () => this.begin()));
      } else if (message.query) {
        const found = this.index.search(message.query).map((one) => this.documents.get(one.ref));
        this.answer({ results: found.map((one) => ({ ...one, summary: one.text.substring(0, 200) })) });
      }
    }

    load(name, then) {
      const script = document.createElement("script");
      script.src = this.folder + name;
      script.onload = then;
      document.head.append(script);
    }

    begin() {
      const { config, docs } = window.searchIndex;
      this.documents = new Map(docs.map((one) => [one.location, one]));
      lunr.tokenizer.separator = new RegExp(config.separator);
      this.index = lunr(function () {
        this.field("title");
        this.field("text");
        this.ref("location");
        docs.forEach((one) => this.add(one));
      });
      this.answer({ config });
      this.answer({ allowSearch: true });
    }

    answer(data) {
      this.onmessage({ data });
    }
  };
}
