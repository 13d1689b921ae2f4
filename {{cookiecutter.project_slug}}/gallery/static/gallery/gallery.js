// Without this file, the page works all the same: files are chosen instead of dropped, and what is
// too much is refused by the server.

const form = document.querySelector("#upload");
const input = form.querySelector("input[type=file]");

function check() {
  const limit = Number(input.dataset.maxFiles);
  const many = input.files.length > limit && `Choose ${limit} files at most.`;
  const large = [...input.files].find((file) => file.size > Number(input.dataset.maxBytes));
  input.setCustomValidity(many || (large && `${large.name} is too large.`) || "");
}

form.addEventListener("dragover", (event) => {
  event.preventDefault();
  form.classList.add("over");
});

form.addEventListener("dragleave", () => form.classList.remove("over"));

form.addEventListener("drop", (event) => {
  event.preventDefault();
  form.classList.remove("over");
  input.files = event.dataTransfer.files;
  check();
  form.requestSubmit();
});

input.addEventListener("change", check);
