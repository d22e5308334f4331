// Shows the description of the interface with a form to try each operation.
const place = document.getElementById("swagger-ui");
window.SwaggerUIBundle({
  url: place.dataset.description,
  domNode: place,
  deepLinking: true,
  presets: [window.SwaggerUIBundle.presets.apis],
});
